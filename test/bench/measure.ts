/** CPU per call of two ways of doing the same, measured turn about in one process, so that a busy machine slows both. */
export interface Contest {
  ours: () => Promise<unknown>;
  theirs: () => Promise<unknown>;
  /** Calls a round. */
  round: number;
  /** Odd, so that there is one in the middle. */
  rounds?: number;
  /** Calls in flight at the same time. */
  width?: number;
  /** CPU that other processes have used for it so far, in microseconds. */
  others?: () => Promise<number> | number;
}

export interface BenchResult {
  value: number;
  baseline: number;
  /** How good, against the baseline of this run: above 1 is cheaper than it. */
  ratio: number;
  unit: string;
}

export async function compare(contest: Contest): Promise<BenchResult> {
  const { ours, theirs, round, rounds = 7, width = 1, others = (): number => 0 } = contest;
  const cost = (call: () => Promise<unknown>): Promise<number> => cpuPerCall(call, { calls: round, width, others });
  for (const call of [ours, theirs]) await cost(call);
  const samples: [number, number][] = [];
  for (let i = 0; i < rounds; i++) samples.push([await cost(ours), await cost(theirs)]);
  const value = median(samples.map(([a]) => a));
  const baseline = median(samples.map(([, b]) => b));
  // The two of one round saw the same machine, so the ratios are taken round by round.
  return { value, baseline, ratio: median(samples.map(([a, b]) => b / a)), unit: "µs CPU per call" };
}

async function cpuPerCall(
  call: () => Promise<unknown>,
  o: Required<Pick<Contest, "width" | "others">> & { calls: number },
): Promise<number> {
  let left = o.calls;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await call();
  };
  const othersBefore = await o.others();
  const before = process.cpuUsage();
  await (o.width === 1 ? lane() : Promise.all(Array.from({ length: o.width }, lane)));
  const used = process.cpuUsage(before);
  return (used.user + used.system + (await o.others()) - othersBefore) / o.calls;
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
