/** Plugins that do not give the processor back, in a process and in an isolate. The control's event loop stands still. @source plugin-platform §10 A13 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { guest, openIsolateWorld } from "../../../host/test/runtime/isolate/guests.ts";
import { allow, hasBubblewrap, temporaryFolder, type World } from "../../../host/test/runtime/fixtures/world.ts";
import { until } from "../../../host/test/support/until.ts";
import { DaemonProcess } from "../../support/daemon-process.ts";
import { ask, HOSTILE, installNeighbour, NEIGHBOUR } from "./hostile.ts";
import { SLEEP, STALLS, type Stall } from "./isolate-corpus.ts";
import { besideNeighbour } from "./neighbour-times.ts";
import { reportAttack } from "./report.ts";

const CONTROL = join(import.meta.dirname, "..", "..", "fixtures", "plugins", "hostile", "control.cjs");
const PROVIDE = allow("bus.provide", { prefixes: ["dev."] });
const CALL_MS = 500;
/** §10 says 100 ms, which is what is printed; a machine with other work takes longer to notice. */
const LATE_MS = 5000;
/** As well: 5 s are printed; far more are allowed. */
const HUNG_MS = 5000;
/** What keeps on writing to its link without reading runs out of memory first. */
const ENDED = /did not answer|memory|heap/;
const STANDS_STILL_MS = 1000;

const confined = hasBubblewrap();
let daemon: DaemonProcess;
let world: World;
before(async () => {
  if (!confined) return;
  world = await openIsolateWorld();
  daemon = await DaemonProcess.open(temporaryFolder());
  await installNeighbour(daemon);
});
after(async () => {
  if (!confined) return;
  await daemon.close();
  await world.close();
});

/** Nothing ends it, and nothing else of its process gets a turn. */
async function standsStill({ code }: Stall): Promise<string> {
  const child = spawn(process.execPath, [CONTROL, code], { stdio: ["ignore", "pipe", "ignore"], env: {} });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  try {
    await until("the control begins", () => said.startsWith("begun"), 6 * HUNG_MS);
    const began = performance.now();
    const turns = (): number => said.length - "begun".length;
    await until("a second passes", () => performance.now() - began > STANDS_STILL_MS);
    assert.equal(child.exitCode, null, "nothing ends it");
    assert.ok(turns() <= 1, `its event loop came round ${turns()} times`);
    return `its event loop stood still for ${STANDS_STILL_MS} ms`;
  } finally {
    child.kill("SIGKILL");
  }
}

for (const stall of [...STALLS, SLEEP])
  test(`A13: ${stall.title} in a process: its caller hears in time, and it is ended; the control stands still`, async (t) => {
    if (!confined) return t.skip("needs bubblewrap");
    const control = await standsStill(stall);
    const id = "lab/stalled";
    await daemon.ask("install", { ...HOSTILE, id });
    try {
      const started = performance.now();
      const { result, neighbour } = await besideNeighbour(
        () => daemon.ask("call", { capability: NEIGHBOUR }),
        async () => {
          const { error, ms } = await ask(daemon, stall.code, CALL_MS);
          const line = await until(
            "it is ended",
            async () => (await daemon.ask("hostLines", id)).find((text) => ENDED.test(text)),
            6 * HUNG_MS,
          );
          return { error, ms, line, hungMs: Math.round(performance.now() - started) };
        },
      );
      assert.equal(result.error.code, "timeout");
      assert.ok(result.ms <= CALL_MS + LATE_MS, `its caller heard after ${result.ms} ms`);
      assert.ok(result.hungMs <= 6 * HUNG_MS, `it was ended after ${result.hungMs} ms`);
      reportAttack({
        row: "A13",
        title: `${stall.title}, in a process`,
        confined: `caller: timeout ${result.ms - CALL_MS} ms after its deadline; ended after ${result.hungMs} ms`,
        control,
        record: `log: ${result.line}`,
        neighbour,
      });
    } finally {
      await daemon.ask("remove", id);
    }
  });

for (const stall of STALLS)
  test(`A13: ${stall.title} in an isolate is ended with the call; another publisher's host is untouched`, async (t) => {
    if (!confined) return t.skip("needs bubblewrap");
    const control = await standsStill(stall);
    const bystander = guest(world, { does: "return { output: { well: true } };", publisherKeyId: "c".repeat(64) });
    const stalled = guest(world, { does: `await (async () => { ${stall.code} })(); return { output: {} };` });
    const { evidence } = await world.runtime.stage(bystander, [PROVIDE]);
    await world.runtime.stage(stalled, [PROVIDE]);
    const { result, neighbour } = await besideNeighbour(
      () => world.bus.call(bystander.capability),
      async () => {
        const started = performance.now();
        await assert.rejects(world.bus.call(stalled.capability, { timeoutMs: CALL_MS }));
        const answered = performance.now() - started;
        const line = await until(
          "its log says why",
          () => world.runtime.logs(stalled.id, { limit: 1000 }).findLast(({ source }) => source === "host"),
          6 * HUNG_MS,
        );
        return { line: line.message, answered: Math.round(answered - CALL_MS) };
      },
    );
    assert.ok(result.answered <= LATE_MS, `its caller heard ${result.answered} ms after the deadline`);
    assert.equal(world.runtime.get(bystander.id)?.evidence?.pid, evidence?.pid);
    for (const { id } of [bystander, stalled]) await world.runtime.remove(id, { keepData: false });
    reportAttack({
      row: "A13",
      title: `${stall.title}, in an isolate`,
      confined: `ended ${result.answered} ms after the deadline`,
      control,
      record: `log: ${result.line}`,
      neighbour,
    });
  });
