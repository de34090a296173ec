import { join } from "node:path";
import type { StoredRelease } from "../../host/src/contract/index.ts";
import { systemClock } from "../../host/src/foundation/index.ts";
import { temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { Daemon } from "../security/attacks/daemon.ts";
import type { BenchResult } from "./measure.ts";

/** How long callers wait, p99, while one version of a plugin after the other takes over, beside the same calls in peace. @source plugin-platform §11 */
export const name = "hot-swap";

const SWAPS = 8;
/** What a daemon does for the first time takes it longer; nobody waits for these. */
const FIRST = 2;
const WIDTH = 4;
/** After each takeover, still counted. */
const AFTER_MS = 150;
/** In peace, which is the baseline; whoever is replaced has served for so long, or its engine would still be compiling while the next one starts. */
const SERVED_MS = 1000;

export async function run(): Promise<Record<string, BenchResult>> {
  const daemon = await Daemon.open(temporaryFolder());
  const parts = {
    id: "lab/swapped",
    capability: "ext.echo.ping",
    entry: join(import.meta.dirname, "..", "fixtures", "plugins", "echo", "plugin.ts"),
    maxConcurrent: 64,
    callsPerMinute: 1_000_000,
  };
  const releases: StoredRelease[] = [];
  // Packed beforehand: bundling is the author's work, not the node's.
  for (let n = 0; n <= FIRST + SWAPS; n += 1)
    releases.push(await daemon.release({ ...parts, manifest: { version: `1.0.${n}` } }));
  await daemon.install(parts);
  const grants = daemon.runtime.grants(parts.id);
  const call = (): Promise<unknown> => daemon.call(parts.capability, { text: "x".repeat(180) });
  const swap = async (release: StoredRelease): Promise<void> => {
    await daemon.runtime.stage(release, grants);
    await pass(AFTER_MS);
  };
  for (const release of releases.slice(1, 1 + FIRST)) await during(call, () => swap(release));
  const serve = (): Promise<Calls> => during(call, () => pass(SERVED_MS));
  const steady: Calls = { times: [], failed: 0 };
  const swapping: Calls = { times: [], failed: 0 };
  await serve();
  for (const release of releases.slice(1 + FIRST)) {
    add(steady, await serve());
    add(swapping, await during(call, () => swap(release)));
  }
  const microseconds = daemon.runtime
    .logs(parts.id, { limit: 200 })
    .flatMap(({ message }) => /the switch took (\d+) µs/.exec(message)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b);
  await daemon.close();
  if (swapping.failed + steady.failed > 0) throw new Error(`${swapping.failed} of ${swapping.times.length} calls failed`);
  process.stderr.write(
    `${swapping.times.length} calls over ${SWAPS} swaps, 0 failed; the switch itself took ${microseconds.join(", ")} µs\n`,
  );
  const [value, baseline] = [p99(swapping.times), p99(steady.times)];
  return {
    [`${name}-p99`]: { value, baseline, ratio: baseline / value, unit: `ms that a call takes, p99, over ${SWAPS} swaps` },
  };
}

interface Calls {
  /** Milliseconds. */
  times: number[];
  failed: number;
}

function add(to: Calls, { times, failed }: Calls): void {
  to.times.push(...times);
  to.failed += failed;
}

async function during(call: () => Promise<unknown>, act: () => Promise<void>): Promise<Calls> {
  const times: number[] = [];
  let failed = 0;
  let over = false;
  const lane = async (): Promise<void> => {
    while (!over) {
      const from = performance.now();
      await call().catch(() => (failed += 1));
      times.push(performance.now() - from);
      // Callers who never rest would leave no processor for the version that starts.
      await pass(1);
    }
  };
  const lanes = Array.from({ length: WIDTH }, lane);
  await act();
  over = true;
  await Promise.all(lanes);
  return { times, failed };
}

const pass = (ms: number): Promise<void> => new Promise((resolve) => void systemClock.setTimeout(resolve, ms));

function p99(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
}
