/** What a node holds after many cycles against what it held before them. @source plugin-platform §10: back to the start ± 2 % */
import type { Holding } from "./cycles.ts";

const MEMORY_LIMIT_PERCENT = 2;

export interface Verdict {
  figure: string;
  before: number;
  after: number;
  /** Percent of what it was before; 0 where both are 0. */
  change: number;
  /** Memory may be a little more; whatever is counted may not, and less is no fault. */
  ok: boolean;
}

export interface Sample {
  cycle: number;
  heapMb: number;
  rssMb: number;
}

export function judge(before: Holding, after: Holding): Verdict[] {
  const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((all, one) => all + one, 0);
  const counted: [figure: string, of: (holding: Holding) => number][] = [
    ["descriptors", ({ descriptors }) => descriptors],
    ["timers, sockets and pipes", ({ resources }) => sum(resources)],
    ["listeners", ({ listeners }) => listeners],
    ["processes", ({ children }) => children],
    ["files and folders", ({ files }) => files.length],
    ["plugins in memory", ({ plugins }) => plugins],
  ];
  const measured: typeof counted = [
    ["heap, MB", ({ heapMb }) => heapMb],
    ["resident, MB", ({ rssMb }) => rssMb],
  ];
  const verdict = ([figure, of]: (typeof counted)[number], limitPercent: number): Verdict => {
    const [was, is] = [of(before), of(after)];
    const change = was === 0 ? (is === 0 ? 0 : 100) : ((is - was) / was) * 100;
    return { figure, before: was, after: is, change, ok: change <= limitPercent };
  };
  return [...counted.map((figure) => verdict(figure, 0)), ...measured.map((figure) => verdict(figure, MEMORY_LIMIT_PERCENT))];
}

/** KB a cycle, by least squares over the samples: a leak is a line, not a step. */
export function slopeKb(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const mean = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0) / values.length;
  const [x, y] = [mean(samples.map(({ cycle }) => cycle)), mean(samples.map(of))];
  const spread = samples.reduce((all, { cycle }) => all + (cycle - x) ** 2, 0);
  if (spread === 0) return 0;
  return (samples.reduce((all, sample) => all + (sample.cycle - x) * (of(sample) - y), 0) / spread) * 1024;
}

export function told({ figure, before, after, change, ok }: Verdict): string {
  const figures = [before, after]
    .map((value) => (Number.isInteger(value) ? `${value}` : value.toFixed(1)).padStart(8))
    .join(" →");
  return `${ok ? "ok  " : "over"} ${figure.padEnd(26)}${figures}  ${change >= 0 ? "+" : ""}${change.toFixed(1)} %`;
}
