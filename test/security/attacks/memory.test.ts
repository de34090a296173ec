/** Plugins that take more memory than they have, each in a process of its own. The control takes the same without a limit. @source plugin-platform §10 A12 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hasBubblewrap, temporaryFolder } from "../../../host/test/runtime/fixtures/world.ts";
import { until } from "../../../host/test/support/until.ts";
import { DaemonProcess } from "../../support/daemon-process.ts";
import { PROCESS_EXHAUSTIONS, type Exhaustion } from "./isolate-corpus.ts";
import { besideNeighbour } from "./neighbour-times.ts";
import { ask, HOSTILE, installNeighbour, NEIGHBOUR } from "./hostile.ts";
import { reportAttack } from "./report.ts";

const CONTROL = join(import.meta.dirname, "..", "..", "fixtures", "plugins", "hostile", "control.cjs");
const LIMIT_MB = 256;
const CALL_MS = 60_000;
/** From the first allocation on, and on a machine with other work: a second from the limit on is what §7 says, and what is printed comes near it. */
const ENDED_WITHIN_MS = 30_000;
/** A heap that is nearly full is collected again and again; on a machine with other work that takes long enough to be found hung. */
const BLOCK_MS = 30_000;
/** 10 MB for the attack, and what the neighbour's calls leave as garbage meanwhile; the control grows by 100 and more. */
const DAEMON_GROWTH_MB = 10 + 10;

const confined = hasBubblewrap();
let daemon: DaemonProcess;
before(async () => {
  if (!confined) return;
  daemon = await DaemonProcess.open(temporaryFolder());
  await installNeighbour(daemon);
});
after(() => (confined ? daemon.close() : undefined));

/** Without a limit it grows beyond what a plugin has. */
async function unlimited({ code }: Exhaustion): Promise<string> {
  const child = spawn(process.execPath, [CONTROL, code], { stdio: "ignore", env: {} });
  try {
    const mb = await until(
      "the control grows beyond a plugin's memory",
      () => {
        const mb = residentMb(child.pid ?? 0);
        return mb > LIMIT_MB ? mb : null;
      },
      ENDED_WITHIN_MS,
    );
    return `grew to ${mb} MB`;
  } finally {
    child.kill("SIGKILL");
  }
}

function residentMb(pid: number): number {
  try {
    return Math.round((Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * 4096) / 1_048_576);
  } catch {
    return 0;
  }
}

for (const attack of PROCESS_EXHAUSTIONS)
  test(`A12: ${attack.title} in a process ends it as over_quota, and nobody else feels it; the control grows`, async (t) => {
    if (!confined) return t.skip("needs bubblewrap");
    const control = await unlimited(attack);
    const id = "lab/hog";
    await daemon.ask("install", { ...HOSTILE, id, manifest: { limits: { memoryMb: LIMIT_MB, maxBlockMs: BLOCK_MS } } });
    try {
      await daemon.ask("measure", null);
      daemon.forgetPeak();
      const before = daemon.rssMb;
      const { result, neighbour } = await besideNeighbour(
        () => daemon.ask("call", { capability: NEIGHBOUR }),
        () => ask(daemon, attack.code, CALL_MS),
      );
      const grown = daemon.peakMb - before;
      assert.equal(result.error.code, "plugin_gone");
      assert.ok(result.ms < ENDED_WITHIN_MS, `${result.ms} ms`);
      const line = await until(
        "the log says why",
        async () => (await daemon.ask("hostLines", id)).find((text) => /memory|heap/.test(text)),
        ENDED_WITHIN_MS,
      );
      const crash = (await daemon.ask("status", id))?.reason?.reason;
      assert.ok(
        crash === "over_quota" || crash === undefined,
        `${crash}: unless it runs again already, this is the reason shown`,
      );
      assert.ok(grown <= DAEMON_GROWTH_MB, `the daemon grew by ${grown.toFixed(1)} MB`);
      reportAttack({
        row: "A12",
        title: `${attack.title}, in a process`,
        confined: `ended after ${result.ms} ms, daemon +${grown.toFixed(1)} MB`,
        control,
        record: `log: ${line}`,
        neighbour,
      });
    } finally {
      await daemon.ask("remove", id);
    }
  });
