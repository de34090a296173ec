import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { allow, temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { guest, openIsolateWorld } from "../../host/test/runtime/isolate/guests.ts";
import { until } from "../../host/test/support/until.ts";
import { Daemon } from "../security/attacks/daemon.ts";
import { HOSTILE } from "../security/attacks/hostile.ts";
import { median, type BenchResult } from "./measure.ts";

/**
 * How soon limits act: a cancelled call that goes on gives its place back, an isolate that runs beyond a deadline is ended, a hog of memory is
 * gone. @source plugin-platform §11
 */
export const name = "limits";

const CALL_MS = 300;
const HOG = "const all = []; for (;;) { all.push(Buffer.alloc(4 << 20, 1)); await new Promise(setImmediate); }";
const LIMIT_MB = 256;
const CONTROL = join(import.meta.dirname, "..", "fixtures", "plugins", "hostile", "control.cjs");

export async function run(): Promise<Record<string, BenchResult>> {
  const daemon = await Daemon.open(temporaryFolder());
  await daemon.install({ ...HOSTILE, id: "lab/limited", manifest: { limits: { memoryMb: LIMIT_MB } } });
  const row = (value: number, baseline: number, unit: string): BenchResult => ({
    value,
    baseline,
    ratio: baseline / value,
    unit,
  });
  const deaf = await cancelled(daemon, "await new Promise(() => {});");
  const heedful = await cancelled(daemon, "await new Promise((resolve) => req.signal.addEventListener('abort', resolve));");
  const hog = await hogged(daemon);
  const free = await unlimited();
  await daemon.close();
  return {
    [`${name}-cancel-to-free`]: row(
      deaf,
      heedful,
      "ms from leaving a call to its place being free; the plugin goes on, and: it listens",
    ),
    [`${name}-stuck-call`]: row(
      await stuck(),
      CALL_MS,
      `ms from the call to the end of the isolate, of a deadline after ${CALL_MS}`,
    ),
    [`${name}-memory-hog`]: row(
      hog,
      free,
      `ms to the end of a plugin beyond ${LIMIT_MB} MB, and until a free process has as much`,
    ),
  };
}

async function cancelled(daemon: Daemon, code: string): Promise<number> {
  const times: number[] = [];
  // Three that go on in a minute, and the plugin is started anew.
  for (let n = 0; n < 2; n += 1) {
    const leaving = new AbortController();
    const call = daemon.call(HOSTILE.capability, { code }, { signal: leaving.signal });
    call.catch(() => {});
    await until("it is under way", () => daemon.runtime.inFlight("lab/limited") === 1);
    const from = performance.now();
    leaving.abort();
    await until("its place is free", () => daemon.runtime.inFlight("lab/limited") === 0);
    times.push(performance.now() - from);
  }
  return median(times);
}

async function hogged(daemon: Daemon): Promise<number> {
  const from = performance.now();
  await daemon.call(HOSTILE.capability, { code: HOG }).catch(() => {});
  return performance.now() - from;
}

async function unlimited(): Promise<number> {
  const from = performance.now();
  const child = spawn(process.execPath, [CONTROL, HOG], { stdio: "ignore", env: {} });
  const gone = once(child, "exit");
  const residentMb = (): number =>
    Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, "latin1"))?.[1]) / 1024;
  await until("it has as much", () => residentMb() > LIMIT_MB);
  const ms = performance.now() - from;
  child.kill("SIGKILL");
  await gone;
  return ms;
}

async function stuck(): Promise<number> {
  const world = await openIsolateWorld();
  const release = guest(world, { does: "let b = 3n; for (;;) b = b * b;" });
  await world.runtime.stage(release, [allow("bus.provide", { prefixes: ["dev."] })]);
  const from = performance.now();
  await world.bus.call(release.capability, { timeoutMs: CALL_MS }).catch(() => {});
  const ms = performance.now() - from;
  await world.close();
  return ms;
}
