import assert from "node:assert/strict";
import { it } from "node:test";
import type { Grant, LocalError, PluginDetail, PluginStatus, Question, RoleState, TrialProposal } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { writeGreedyPlugin } from "../fixtures/greedy-plugin.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";

const ID = "hearthnet/greedy";
const USED = [
  { permission: "bus.provide", scope: { prefixes: ["ext.hearthnet."] } },
  { permission: "storage.kv", scope: { quotaMb: 1 } },
];

const rights = async (node: LiveNode): Promise<string[]> =>
  (await node.ask<Grant[]>(["plugin", "grants", ID])).map(({ permission, mode }) => `${permission} ${mode}`);
const tally = async (node: LiveNode): Promise<unknown> => (await node.cli(["call", "ext.hearthnet.tally"])).json;
const refusal = async (node: LiveNode, words: string[]): Promise<unknown> => {
  const { error, reason } = (await node.cli(words)).json as LocalError;
  return reason ?? error;
};

it("tries a plugin out from the terminal, is shown what it needs, and grants exactly that (plugin-platform §3.4.5)", async (t) => {
  const node = await startNode(t);
  const file = writeGreedyPlugin(temporaryFolder(t), { file: "greedy.hnp" });
  await node.ask(["plugin", "install", "--from", file, "--grant", "bus.provide"]);
  assert.equal(await refusal(node, ["plugin", "trial", "proposal", ID]), "no_trial");
  await node.ask(["plugin", "trial", "start", ID, "--hours", "2"]);
  assert.notEqual(await node.ask(["plugin", "trial", "status", ID]), null);
  for (let n = 0; n < 2; n += 1)
    assert.deepEqual(
      ((await tally(node)) as { output: unknown }).output,
      { count: 1 },
      "simulated: it counts from nothing each time",
    );
  const proposal = await node.ask<TrialProposal>(["plugin", "trial", "proposal", ID]);
  assert.deepEqual(
    proposal.grants.map(({ permission, scope }) => ({ permission, scope })),
    USED,
  );
  assert.deepEqual(proposal.unused, ["notify", "bus.call", "identity.dh"]);
  await node.ask(["plugin", "trial", "accept", ID]);
  assert.deepEqual(await rights(node), [
    "bus.provide allow",
    "storage.kv allow",
    "notify deny",
    "bus.call deny",
    "identity.dh deny",
  ]);
  assert.deepEqual(((await tally(node)) as { output: unknown }).output, { count: 1 }, "the first real one");
  assert.deepEqual(((await tally(node)) as { output: unknown }).output, { count: 2 });
});

it("narrows, lends, asks, and gives a role, each by one command (plugin-platform §3.3, §3.4.1, §3.4.4)", async (t) => {
  const node = await startNode(t);
  const folder = temporaryFolder(t);
  await node.ask([
    "plugin",
    "install",
    "--from",
    writeGreedyPlugin(folder, { file: "greedy.hnp" }),
    "--grant",
    "bus.provide",
    "--ask",
    "storage.kv",
  ]);
  const waiting = tally(node);
  const [question] = await until(
    "the question is listed",
    async () => {
      const open = await node.ask<Question[]>(["plugin", "ask"]);
      return open.length > 0 && open;
    },
    20_000,
  );
  assert.deepEqual([question?.plugin, question?.permission], [ID, "storage.kv"]);
  await node.ask(["plugin", "ask", question?.id ?? "", "once"]);
  assert.deepEqual(((await waiting) as { output: unknown }).output, { count: 1 });
  assert.equal(await refusal(node, ["plugin", "ask", question?.id ?? "", "deny"]), "question_gone");
  assert.ok((await rights(node)).includes("storage.kv ask"));

  const narrowed = await node.ask<Grant[]>(["plugin", "grant", ID, 'bus.call={"capabilities":["trans.text@1"]}', "--for", "12h"]);
  const call = narrowed.find(({ permission }) => permission === "bus.call");
  assert.deepEqual(call?.scope, { capabilities: ["trans.text@1"] });
  assert.ok((call?.expires ?? 0) > Date.now() + 11 * 3_600_000);
  assert.equal(
    await refusal(node, ["plugin", "grant", ID, 'bus.call={"capabilities":["chat.history@1"]}']),
    "bad_request",
    "not asked for",
  );
  assert.equal(await refusal(node, ["plugin", "grant", ID, "identity.dh"]), "consent_required");
  await node.ask(["plugin", "grant", ID, "identity.dh", "--confirm", ID]);

  const other = writeGreedyPlugin(folder, { file: "other.hnp", id: "hearthnet/greedier" });
  await node.ask(["plugin", "install", "--from", other, "--grant", "bus.provide"]);
  assert.equal((await node.ask<RoleState>(["plugin", "role", "e2e", ID])).holder, ID);
  assert.equal(await refusal(node, ["plugin", "role", "e2e", "hearthnet/greedier"]), "role_taken");
  await node.ask(["plugin", "role", "e2e", "hearthnet/greedier", "--instead-of", ID]);
  const e2e = (await node.ask<RoleState[]>(["plugin", "roles"])).find(({ role }) => role === "e2e");
  assert.deepEqual([e2e?.holder, e2e?.candidates], ["hearthnet/greedier", ["hearthnet/greedier", ID].toSorted()]);
  assert.equal((await node.ask<RoleState>(["plugin", "role", "e2e"])).holder, null);
});

it("keeps the former version answering while a wider one waits for the operator (plugin-platform §3.4.2)", async (t) => {
  const node = await startNode(t);
  const folder = temporaryFolder(t);
  await node.ask([
    "plugin",
    "install",
    "--from",
    writeGreedyPlugin(folder, { file: "one.hnp" }),
    "--grant",
    "bus.provide",
    "--grant",
    "storage.kv",
  ]);
  const wider = writeGreedyPlugin(folder, { file: "two.hnp", version: "1.1.0", quotaMb: 9 });
  // Handing it over makes it known; installing it without an answer is refused.
  assert.equal(await refusal(node, ["plugin", "install", "--from", wider]), "consent_required");
  assert.equal(await refusal(node, ["plugin", "update", ID]), "consent_required");
  const status = (await node.ask<PluginStatus[]>(["plugin", "list"])).find(({ id }) => id === ID);
  assert.deepEqual([status?.version, status?.state, status?.needsConsent], ["1.0.0", "active", true]);
  assert.deepEqual(((await tally(node)) as { output: unknown }).output, { count: 1 });
  const { review } = await node.ask<{ review: { growth: unknown[] } }>(["plugin", "show", ID]);
  assert.deepEqual(review.growth, [{ kind: "scope", what: 'storage.kv {"quotaMb":9}' }]);
  const after = await node.ask<PluginDetail>(["plugin", "update", ID, "--grant", "bus.provide", "--grant", "storage.kv"]);
  assert.deepEqual([after.version, after.needsConsent], ["1.1.0", false]);
  assert.deepEqual(((await tally(node)) as { output: unknown }).output, { count: 2 });
});
