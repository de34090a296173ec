/** Plugins that break the protocol of fd 3. The control reads the same bytes as a host would that believes them. @source plugin-platform §10 A15 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createInterface } from "node:readline";
import { hasBubblewrap, temporaryFolder } from "../../../host/test/runtime/fixtures/world.ts";
import { until } from "../../../host/test/support/until.ts";
import { DaemonProcess } from "../../support/daemon-process.ts";
import { HOSTILE, hostile, installNeighbour, NEIGHBOUR } from "./hostile.ts";
import { LINK_ATTACKS, PRELUDE, type LinkAttack, type NaiveHost } from "./link-corpus.ts";
import { besideNeighbour } from "./neighbour-times.ts";
import { reportAttack } from "./report.ts";

const NAIVE_HOST = join(import.meta.dirname, "..", "..", "fixtures", "plugins", "hostile", "naive-host.cjs");
/** 10 MB for the attack, and what the neighbour's calls leave as garbage in the ten seconds that the slowest takes; a naive host grows by 100 and more. */
const DAEMON_GROWTH_MB = 10 + 24;
const ENDED_WITHIN_MS = 60_000;
const id = "lab/link";

const confined = hasBubblewrap();
let daemon: DaemonProcess;
before(async () => {
  if (!confined) return;
  daemon = await DaemonProcess.open(temporaryFolder());
  await installNeighbour(daemon);
});
after(() => (confined ? daemon.close() : undefined));

async function naively({ code, control }: LinkAttack): Promise<string> {
  const host = spawn(process.execPath, [NAIVE_HOST, PRELUDE + code], {
    stdio: ["ignore", "pipe", "ignore"],
    env: {},
    // A group of its own, so that its plugin ends with it.
    detached: true,
  });
  assert.ok(host.pid !== undefined);
  let outcome: string | null = null;
  createInterface(host.stdout).on("line", (line) => (outcome ??= control(JSON.parse(line) as NaiveHost)));
  try {
    return await until("the control comes to harm", () => outcome, ENDED_WITHIN_MS);
  } finally {
    endGroup(host.pid);
  }
}

/** What came to harm may have ended by itself, and its group with it. */
function endGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ESRCH") throw error;
  }
}

/** Starts the attack as a call and waits until the log says what ended it. */
async function attacked({ code, streams = false, ended }: LinkAttack): Promise<{ line: string; ms: number }> {
  const input = { code: PRELUDE + code };
  const started = performance.now();
  const call = streams
    ? daemon.ask("hold", { capability: HOSTILE.capability, input })
    : daemon.ask("call", { capability: HOSTILE.capability, input });
  call.catch(() => {});
  const line = await until(
    "it is ended",
    async () => (await daemon.ask("hostLines", id)).find((text) => ended.test(text)),
    ENDED_WITHIN_MS,
  );
  return { line, ms: Math.round(performance.now() - started) };
}

for (const attack of LINK_ATTACKS)
  test(`A15: ${attack.title} ends the plugin, and the daemon does not grow; a naive host comes to harm`, async (t) => {
    if (!confined) return t.skip("needs bubblewrap");
    const { limits = {}, streams = false } = attack;
    const parts = streams ? hostile({ streams }) : HOSTILE;
    await daemon.ask("install", { ...parts, id, permissions: ["storage.kv"], manifest: { limits } });
    try {
      await daemon.ask("measure", null);
      daemon.forgetPeak();
      const before = daemon.rssMb;
      const control = naively(attack);
      control.catch(() => {});
      const { result, neighbour } = await besideNeighbour(
        () => daemon.ask("call", { capability: NEIGHBOUR }),
        () => attacked(attack),
      );
      const grown = daemon.peakMb - before;
      assert.ok(grown <= DAEMON_GROWTH_MB, `the daemon grew by ${grown.toFixed(1)} MB`);
      reportAttack({
        row: "A15",
        title: attack.title,
        confined: `ended after ${result.ms} ms, daemon +${grown.toFixed(1)} MB`,
        control: await control,
        record: `log: ${result.line}`,
        neighbour,
      });
    } finally {
      await daemon.ask("remove", id);
    }
  });
