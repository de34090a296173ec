/** When a plugin that failed is started again, and when it is left alone. @source plugin-platform §6.3 */
import type { Random } from "../../contract/index.ts";
import type { Crash } from "../journal/index.ts";

const DELAYS_MS = [0, 1000, 4000, 15_000, 60_000] as const;
const JITTER = 0.2;
const HEALTHY_MS = 600_000;
const TEN_MINUTES = 600_000;
const DAY = 86_400_000;

export interface CrashRecord {
  /** Oldest first. */
  crashes: readonly Crash[];
  /** Unix milliseconds of the last start that succeeded; 0 for never. */
  lastStartOk: number;
}

export type Verdict = { kind: "restart"; delayMs: number } | { kind: "crash_looped"; why: string };

/** True when the crashes on record forbid another start: 3 failed starts in a row, 5 crashes in 10 min, or 8 in 24 h. */
export function loopReason({ crashes, lastStartOk }: CrashRecord, now: number): string | null {
  let failedStarts = 0;
  for (let index = crashes.length - 1; index >= 0; index -= 1) {
    const crash = crashes[index];
    if (crash?.failedStart !== true || crash.at < lastStartOk) break;
    failedStarts += 1;
  }
  const within = (ms: number): number => crashes.filter(({ at }) => at > now - ms && at <= now).length;
  if (failedStarts >= 3) return "It failed to start three times in a row.";
  if (within(TEN_MINUTES) >= 5) return "It crashed five times in ten minutes.";
  if (within(DAY) >= 8) return "It crashed eight times in a day.";
  return null;
}

/** Counts failures since the last time the plugin was healthy for ten minutes, and spreads restarts so that plugins do not return in step. */
export class RestartPolicy {
  readonly #random: Random;
  #failures = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** @param ranForMs  how long the plugin had been active before it failed; 0 for a failed start */
  afterCrash(o: { record: CrashRecord; now: number; ranForMs: number }): Verdict {
    const why = loopReason(o.record, o.now);
    if (why !== null) return { kind: "crash_looped", why };
    if (o.ranForMs >= HEALTHY_MS) this.#failures = 0;
    const delay = DELAYS_MS[Math.min(this.#failures, DELAYS_MS.length - 1)] ?? 0;
    this.#failures += 1;
    const [high = 0, low = 0] = this.#random(2);
    const spread = 1 - JITTER + 2 * JITTER * ((high * 256 + low) / 65_535);
    return { kind: "restart", delayMs: Math.round(delay * spread) };
  }

  reset(): void {
    this.#failures = 0;
  }
}
