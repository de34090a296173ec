/** Plugins that try to get out of their isolate, or to take all its host has; the control runs the same code in `node:vm`. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { guest, openIsolateWorld } from "../../../host/test/runtime/isolate/guests.ts";
import { allow, hasBubblewrap, type World } from "../../../host/test/runtime/fixtures/world.ts";
import { until } from "../../../host/test/support/until.ts";
import { besideNeighbour } from "./neighbour-times.ts";
import { reportAttack } from "./report.ts";
import { ESCAPES, EXHAUSTIONS, POLLUTION, type Exhaustion } from "./isolate-corpus.ts";

const CONTROL = join(import.meta.dirname, "..", "..", "fixtures", "plugins", "isolate-attacks", "control.cjs");
const PROVIDE = allow("bus.provide", { prefixes: ["dev."] });
const CALL_MS = 1000;
/** Of a machine with other work. */
const LATE_MS = 5000;
const PATIENCE_MS = 30_000;
const HOST_MEMORY_MB = 256;

const confined = hasBubblewrap();
let world: World;
before(async () => {
  if (confined) world = await openIsolateWorld();
});
after(async () => {
  if (confined) await world.close();
});

function control(code: string): { child: ChildProcess; said: Promise<Record<string, unknown>> } {
  const child = spawn(process.execPath, [CONTROL, code], { stdio: ["ignore", "pipe", "ignore"], env: {} });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const said = new Promise<Record<string, unknown>>((resolve) =>
    child.once("close", () => resolve(text === "" ? {} : (JSON.parse(text) as Record<string, unknown>))),
  );
  return { child, said };
}

/** In an isolate under the real runtime. */
async function inIsolate(code: string): Promise<string> {
  const does = `try { return { output: { got: String(await (async () => { ${code} })()) } }; } catch (error) { return { output: { got: "refused: " + error.message } }; }`;
  const release = guest(world, { does });
  const { state, label } = await world.runtime.stage(release, [PROVIDE, allow("storage.kv")]);
  assert.deepEqual([state, label], ["active", "os"]);
  try {
    return (await world.bus.call(release.capability)).output["got"] as string;
  } finally {
    await world.runtime.remove(release.id, { keepData: false });
  }
}

test("A18: what the host uses to give memory back is in no isolate", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  assert.equal(await inIsolate("return typeof gc + Object.getOwnPropertyNames(globalThis).includes('gc');"), "undefinedfalse");
});

for (const { title, code, control: expected } of ESCAPES)
  test(`A18: an isolate is not left through ${title}; the control is`, async (t) => {
    if (!confined) return t.skip("needs bubblewrap");
    const { got } = await control(code).said;
    assert.match(String(got), expected, "the control must succeed, else the row proves nothing");
    const confinedGot = await inIsolate(code);
    assert.match(confinedGot, /^refused: /);
    reportAttack({ row: "A18", title, confined: confinedGot, control: String(got), record: "-" });
  });

test("A18: a prototype that one plugin pollutes is its own; in the control it is everybody's", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  assert.equal((await control(POLLUTION).said)["polluted"], "yes");
  const victim = guest(world, { does: `return { output: { polluted: ({}).polluted ?? null } };` });
  const attacker = guest(world, { does: `${POLLUTION.replace('return "done"', "return { output: {} }")}` });
  for (const release of [victim, attacker]) await world.runtime.stage(release, [PROVIDE]);
  await world.bus.call(attacker.capability).catch(() => {});
  assert.equal((await world.bus.call(victim.capability)).output["polluted"], null);
  assert.equal(world.runtime.get(victim.id)?.evidence?.pid, world.runtime.get(attacker.id)?.evidence?.pid, "in one process");
  for (const { id } of [victim, attacker]) await world.runtime.remove(id, { keepData: false });
});

/** What the control does with the memory and the time of its process. */
async function controlled({ code, control: expected }: Exhaustion): Promise<string> {
  const { child, said } = control(code);
  try {
    if (expected === "grows") {
      const mb = await until(
        "the control grows beyond an isolate host's memory",
        () => {
          const rss = residentMb(child.pid ?? 0);
          return rss > HOST_MEMORY_MB ? rss : null;
        },
        PATIENCE_MS,
      );
      return `grew to ${mb} MB`;
    }
    const started = performance.now();
    await until("the control runs on", () => performance.now() - started > 1500 || child.exitCode !== null);
    assert.equal(child.exitCode, null, "nothing ends it");
    return "ran on";
  } finally {
    child.kill("SIGKILL");
    await said.catch(() => {});
  }
}

function residentMb(pid: number): number {
  try {
    return Math.round((Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * 4096) / 1_048_576);
  } catch {
    return 0;
  }
}

async function refusedCall(
  capability: string,
  timeoutMs: number,
): Promise<{ refusal: { code: string; message: string }; ms: number }> {
  const started = performance.now();
  const refusal = (await world.bus.call(capability, { timeoutMs }).then(
    () => assert.fail("it came to an end"),
    (error: unknown) => error,
  )) as { code: string; message: string };
  return { refusal, ms: Math.round(performance.now() - started) };
}

for (const attack of EXHAUSTIONS)
  test(`A12: ${attack.title} in an isolate ends within its time, at most with its publisher's host; the control does not`, async (t) => {
    if (!confined) return t.skip("needs bubblewrap");
    const unconfined = await controlled(attack);
    // What ends at a limit of memory needs no deadline, and must not meet one first on a machine with other work.
    const callMs = attack.control === "grows" ? 15_000 : CALL_MS;
    const neighbour = guest(world, { does: "return { output: { well: true } };", publisherKeyId: "c".repeat(64) });
    const hog = guest(world, { does: `await (async () => { ${attack.code} })(); return { output: {} };` });
    const { evidence } = await world.runtime.stage(neighbour, [PROVIDE]);
    await world.runtime.stage(hog, [PROVIDE]);
    const before = residentMb(process.pid);
    const { result, neighbour: times } = await besideNeighbour(
      () => world.bus.call(neighbour.capability),
      () => refusedCall(hog.capability, callMs),
    );
    const { refusal, ms } = result;
    assert.ok(ms < callMs + LATE_MS, `${ms} ms`);
    const lines = (): string =>
      world.runtime
        .logs(hog.id, { limit: 50 })
        .map(({ message }) => message)
        .join("\n");
    const [ended] = await until("the log says what ended it", () => attack.ended.exec(lines()), PATIENCE_MS);
    assert.equal((await world.bus.call(neighbour.capability)).output["well"], true);
    assert.equal(world.runtime.get(neighbour.id)?.evidence?.pid, evidence?.pid, "another publisher's host is untouched");
    assert.ok(residentMb(process.pid) - before < 60, "the daemon did not grow with it");
    for (const { id } of [neighbour, hog]) await world.runtime.remove(id, { keepData: false });
    reportAttack({
      row: "A12",
      title: `${attack.title}, in an isolate`,
      confined: `${refusal.code} after ${ms} ms`,
      control: unconfined,
      record: `log: ${ended}`,
      neighbour: times,
    });
  });

test("A12: WebAssembly memory cannot even be asked for in an isolate; the control gets it", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const code = "return new WebAssembly.Memory({ initial: 4096 }).buffer.byteLength;";
  assert.equal((await control(code).said)["got"], "268435456");
  assert.equal(await inIsolate(code), "refused: WebAssembly is not defined");
});
