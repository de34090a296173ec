import { readdirSync, readFileSync } from "node:fs";

/** CPU per call of two ways of doing the same, measured turn about, so that a busy machine slows both. */
export interface Contest {
  ours: () => Promise<unknown>;
  theirs: () => Promise<unknown>;
  /** Calls a round. */
  round: number;
  /** Odd, so that there is one in the middle. */
  rounds?: number;
  /** Calls in flight at the same time. */
  width?: number;
  /** Other processes that do part of ours, and of theirs. */
  others?: { ours: readonly number[]; theirs: readonly number[] };
}

const WARM_UP_ROUNDS = 3;

export interface BenchResult {
  value: number;
  baseline: number;
  /** How good, against the baseline of this run: above 1 is cheaper than it. */
  ratio: number;
  unit: string;
}

export async function compare(contest: Contest): Promise<BenchResult> {
  const { round, rounds = 7, width = 1, others = { ours: [], theirs: [] } } = contest;
  const ours = (): Promise<number> => cpuPerCall(contest.ours, { calls: round, width, others: others.ours });
  const theirs = (): Promise<number> => cpuPerCall(contest.theirs, { calls: round, width, others: others.theirs });
  // Both are compiled in the meantime.
  for (let i = 0; i < WARM_UP_ROUNDS; i++) for (const party of [ours, theirs]) await party();
  const samples: [number, number][] = [];
  for (let i = 0; i < rounds; i++) samples.push([await ours(), await theirs()]);
  return judge(samples, { unit: "µs CPU per call", better: "less" });
}

/**
 * The middle of some rounds. The two of one round saw the same machine, so the ratios are taken round by round.
 * @param samples  ours and theirs of each round
 */
export function judge(samples: readonly [number, number][], o: { unit: string; better: "more" | "less" }): BenchResult {
  return {
    value: median(samples.map(([a]) => a)),
    baseline: median(samples.map(([, b]) => b)),
    ratio: median(samples.map(([a, b]) => (o.better === "more" ? a / b : b / a))),
    unit: o.unit,
  };
}

/** Runs `calls` of them, `width` at a time. */
export async function inLanes(call: () => Promise<unknown>, o: { calls: number; width: number }): Promise<void> {
  let left = o.calls;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await call();
  };
  await (o.width === 1 ? lane() : Promise.all(Array.from({ length: o.width }, lane)));
}

async function cpuPerCall(
  call: () => Promise<unknown>,
  o: { calls: number; width: number; others: readonly number[] },
): Promise<number> {
  const before = cpuOf(o.others);
  await inLanes(call, o);
  return (cpuOf(o.others) - before) / o.calls;
}

/** Microseconds that this process and others have used so far, in all their threads. */
export function cpuOf(pids: readonly number[]): number {
  const { user, system } = process.cpuUsage();
  return pids.flatMap(threadsOf).reduce((sum, path) => sum + nanosecondsIn(path) / 1000, user + system);
}

function threadsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`);
}

function nanosecondsIn(path: string): number {
  try {
    return Number(readFileSync(path, "latin1").split(" ")[0]);
  } catch {
    // A thread that has ended between the two looks.
    return 0;
  }
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
