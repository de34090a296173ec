import { createHash } from "node:crypto";
import { writeRanges, readRangeMessage } from "../../host/src/community/sync/range-message.ts";
import { answerRanges, fingerprint, RangeRun, RangeView } from "../../host/src/community/sync/ranges.ts";
import { SumTree } from "../../host/src/community/sync/sum-tree.ts";
import type { JsonValue, Position } from "../../host/src/contract/index.ts";
import { type BenchResult, median } from "./measure.ts";

/**
 * Two logs of 100,000 events of which 10 differ, spread: bytes and rounds until each side knows what it lacks, beside the reference that the design
 * names; and how long it takes to see that nothing differs, beside reading all ids. @source network.md §8 S1, S2
 */
export const name = "event-sync";

const EVENTS = 100_000;
const DIFFERENT = 10;
const AUTHORS = 20;
/** Of the reference range sync. */
const REFERENCE = { bytes: 27_700, rounds: 2 };
const COMMUNITY = "ed25519:GX9rI-FshTLGq8g4-s1ep4m-DHaykgM0A5v6iz02jWE";

export async function run(): Promise<Record<string, BenchResult>> {
  const events = Array.from({ length: EVENTS }, (_, i) => eventAt(i));
  const [mine, theirs] = [new SumTree(), new SumTree()];
  events.forEach(({ position, hash }, i) => {
    const step = EVENTS / DIFFERENT;
    // Half of what differs is missing here, half there.
    const odd = i % step === step / 2;
    if (!odd || (i / step) % 2 < 1) mine.add(position, hash);
    if (!odd || (i / step) % 2 >= 1) theirs.add(position, hash);
  });
  const { bytes, rounds, found } = compare(mine, theirs);
  if (found !== DIFFERENT) throw new Error(`${found} of ${DIFFERENT} differences were found`);
  return {
    "event-sync-bytes": {
      value: bytes,
      baseline: REFERENCE.bytes,
      ratio: REFERENCE.bytes / bytes,
      unit: "bytes for 10 of 100,000 (S1)",
    },
    "event-sync-rounds": {
      value: rounds,
      baseline: REFERENCE.rounds,
      ratio: REFERENCE.rounds / rounds,
      unit: "rounds for 10 of 100,000 (S1)",
    },
    "event-sync-idle": await Promise.resolve(idle(mine, events)),
  };
}

function eventAt(i: number): { position: Position; hash: Uint8Array } {
  const position = {
    lamport: i + 1,
    event_id: `01J9Z3K8V4${i.toString(32).toUpperCase().padStart(16, "0")}`,
    author: `ed25519:${String(i % AUTHORS).padStart(43, "A")}`,
  };
  return { position, hash: createHash("sha256").update(JSON.stringify(position)).digest() };
}

/** Messages as they go over the wire. */
function compare(mine: SumTree, theirs: SumTree): { bytes: number; rounds: number; found: number } {
  const run = new RangeRun(new RangeView(mine, 0));
  const other = new RangeView(theirs, 0);
  let bytes = 0;
  const carried = (ranges: Parameters<typeof writeRanges>[0]): ReturnType<typeof readRangeMessage>["ranges"] => {
    const text = JSON.stringify({ community_id: COMMUNITY, floor: 0, ranges: writeRanges(ranges) });
    bytes += text.length;
    return readRangeMessage(JSON.parse(text) as JsonValue, COMMUNITY).ranges;
  };
  for (let rounds = 0; ; rounds++) {
    const question = run.question();
    if (question.length === 0) return { bytes, rounds, found: run.missing.size + run.surplus.size };
    run.take(carried(answerRanges(other, carried(question))));
  }
}

/** Microseconds of processor time until two equal logs are seen to be equal. */
function idle(tree: SumTree, events: readonly { position: Position }[]): BenchResult {
  const theirs = fingerprint(tree.total);
  const ours = (): boolean => Buffer.compare(fingerprint(tree.total), theirs) === 0;
  const byVector = (): string => {
    const vector = new Map<string, string[]>();
    for (const { position } of events) {
      const ids = vector.get(position.author);
      if (ids === undefined) vector.set(position.author, [position.event_id]);
      else ids.push(position.event_id);
    }
    return createHash("sha256")
      .update(JSON.stringify([...vector]))
      .digest("hex");
  };
  const samples = Array.from({ length: 5 }, () => [cpu(ours, 100_000), cpu(byVector, 1)] as const);
  const [value, baseline] = [median(samples.map(([a]) => a)), median(samples.map(([, b]) => b))];
  return { value, baseline, ratio: baseline / value, unit: "µs CPU per idle check at 100,000 (S2)" };
}

function cpu(work: () => unknown, times: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) work();
  const { user, system } = process.cpuUsage(before);
  return Math.max((user + system) / times, 0.001);
}
