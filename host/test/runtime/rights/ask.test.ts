/** The operator is asked while the plugin waits. @source plugin-platform §3.4.1 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Question } from "../../../src/contract/index.ts";
import { refusal } from "../../support/people.ts";
import { until } from "../../support/until.ts";
import { allow, hasBubblewrap, openWorld, writePackage, type World } from "../fixtures/world.ts";

const ID = "dev/asks";
const MAIN = `
exports.setup = async (ctx) => { await ctx.op("capabilities.register", { ref: "dev.keep@1.0", params: {} }); };
exports.capabilities = { "dev.keep@1.0": async (req, ctx) => {
  try { return { output: { value: await ctx.op("kv.increment", { key: "n" }) } }; } catch (e) { return { output: { code: e.code } }; }
} };`;
const GRANTS = [allow("bus.provide", { prefixes: ["dev."] }), { ...allow("storage.kv", { quotaMb: 1 }), mode: "ask" as const }];

const skip = hasBubblewrap() ? false : "needs bubblewrap";
let world: World;
before(async () => {
  if (skip !== false) return;
  world = await openWorld();
  const status = await world.runtime.stage(
    writePackage(world.folder, { id: ID, main: MAIN, capabilities: [{ name: "dev.keep" }] }),
    GRANTS,
  );
  assert.equal(status.state, "active");
});
after(() => world?.close());

const keep = async (): Promise<unknown> => JSON.parse(JSON.stringify((await world.bus.call("dev.keep")).output)) as unknown;
const asked = (): Promise<Question> => until("a question comes", () => world.runtime.rights.questions()[0]);

test("an op waits for the answer: yes runs it, no denies it, always changes the grant (§3.4.1)", { skip }, async () => {
  const heard: number[] = [];
  const forget = world.runtime.rights.onQuestions((open) => void heard.push(open.length));
  let call = keep();
  const first = await asked();
  assert.deepEqual([first.plugin, first.permission, first.waiting], [ID, "storage.kv", 1]);
  assert.equal(first.until - first.asked, 30_000);
  await world.runtime.rights.answer(first.id, "once");
  assert.deepEqual(await call, { value: { value: 1 } });
  await assert.rejects(world.runtime.rights.answer(first.id, "once"), refusal("not_found", "question_gone"));

  call = keep();
  await world.runtime.rights.answer((await asked()).id, "allow");
  assert.deepEqual(await call, { value: { value: 2 } });
  assert.equal(world.runtime.grants(ID).find(({ permission }) => permission === "storage.kv")?.mode, "allow");
  assert.deepEqual(await keep(), { value: { value: 3 } }, "it is not asked again");

  await world.runtime.setGrants(ID, GRANTS);
  call = keep();
  await world.runtime.rights.answer((await asked()).id, "deny");
  assert.deepEqual(await call, { code: "permission_denied" });
  assert.deepEqual(await keep(), { code: "permission_denied" }, "the same is not asked again at once");
  forget();
  assert.deepEqual(heard.filter((open) => open === 1).length, 3);
  const rows = world.runtime.ledger(100).rows.filter(({ op }) => op === "ask");
  const counted = (verdict: string): number =>
    rows.filter((row) => row.verdict === verdict).reduce((sum, { count }) => sum + count, 0);
  assert.deepEqual([counted("allow"), counted("deny")], [2, 1], "answers are in the ledger (§8.3)");
});

test("a question ends with its call, and a right that is taken ends the question", { skip }, async () => {
  // Another target is another question; the one before is quiet for a minute.
  await world.runtime.remove(ID, { keepData: false });
  await world.runtime.stage(
    writePackage(world.folder, {
      id: ID,
      capabilities: [{ name: "dev.keep" }],
      main: MAIN.replace('ctx.op("kv.increment", { key: "n" })', 'req.op("bus.call", { cap: req.input.cap, body: {} })'),
    }),
    [GRANTS[0]!, { ...allow("bus.call", { capabilities: ["a.b@1", "c.d@1"] }), mode: "ask" }],
  );
  const controller = new AbortController();
  const call = world.bus.call("dev.keep", { input: { cap: "a.b@1" }, signal: controller.signal });
  assert.equal((await asked()).target, "a.b@1");
  controller.abort(new Error("gone"));
  await assert.rejects(call, { message: "gone" });
  await until("it is withdrawn", () => world.runtime.rights.questions().length === 0);

  const other = world.bus.call("dev.keep", { input: { cap: "c.d@1" } });
  const question = await asked();
  await world.runtime.setGrants(ID, [GRANTS[0]!]);
  await world.runtime.rights.answer(question.id, "once").catch(() => {});
  assert.equal((await other).output["code"], "permission_denied", "a yes that comes after the right was taken is none");
});
