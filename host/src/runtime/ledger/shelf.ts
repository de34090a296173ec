/** The folder of the ledger's segments: the newest is written, the oldest are dropped whole. @source plugin-platform §8.2 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LedgerLine, NodeId, SignedLedgerHead } from "../../contract/index.ts";
import { isTime, parseTime, privateFolder } from "../../foundation/index.ts";
import { CHAIN_START, isGenuineHead, SEGMENT_OP } from "../../format/index.ts";
import { Segment } from "./segment.ts";

const DAY_MS = 86_400_000;

/** How much is kept; a smaller one is for tests. */
export interface LedgerLimits {
  /** A segment ends when it is this large or this old. */
  segmentBytes: number;
  segmentMs: number;
  /** A segment is dropped when its last row is this old, or when there are more than so many. */
  keptMs: number;
  keptSegments: number;
}

export const LEDGER_LIMITS: LedgerLimits = {
  segmentBytes: 64_000_000,
  segmentMs: DAY_MS,
  keptMs: 30 * DAY_MS,
  // A month of days fits; a flood of rows cannot fill the disk.
  keptSegments: 32,
};

export interface ShelfOptions {
  folder: string;
  limits: LedgerLimits;
  nodeId: NodeId;
  signed: boolean;
  /** Signs what the host stands for. */
  sign: (head: { seq: number; hash: string }) => SignedLedgerHead;
}

export class Shelf {
  readonly #options: ShelfOptions;
  /** Oldest first. */
  readonly #segments: Segment[];
  /** Where the chain goes on. */
  head: { seq: number; hash: string };

  constructor(options: ShelfOptions) {
    this.#options = options;
    const numbers = readdirSync(privateFolder(options.folder))
      .flatMap((name) => /^(\d{8})\.db$/.exec(name)?.[1] ?? [])
      .map(Number)
      .toSorted((a, b) => a - b);
    this.#segments = numbers.map((number) => new Segment(this.#path(number), number));
    this.#dropUnfinished();
    this.head = this.#resume();
  }

  get current(): Segment {
    const last = this.#segments.at(-1);
    if (last === undefined) throw new Error("the ledger has no segment");
    return last;
  }

  get oldest(): Segment {
    return this.#segments[0] ?? this.current;
  }

  /** Newest first. */
  get newestFirst(): readonly Segment[] {
    return this.#segments.toReversed();
  }

  /** True when the current segment is full or its time is over. */
  isFull(now: number): boolean {
    const { segmentBytes, segmentMs } = this.#options.limits;
    return this.current.sizeBytes >= segmentBytes || now - beganAt(this.current) >= segmentMs;
  }

  /** Makes the next segment. It is there before the row that announces it, so that a kill between the two is told from a removed file. */
  begin(from: { seq: number; hash: string }): void {
    const number = this.current.number + 1;
    const segment = new Segment(this.#path(number), number);
    segment.begin(this.#options.sign(from));
    this.#segments.push(segment);
  }

  /** Those whose time is over; the current one never is. */
  overdue(now: number): Segment[] {
    const { keptMs, keptSegments } = this.#options.limits;
    const closed = this.#segments.slice(0, -1);
    return closed.filter(
      (segment, index) =>
        this.#segments.length - index > keptSegments || now - (segment.lastRow()?.at ?? beganAt(segment)) >= keptMs,
    );
  }

  drop(segment: Segment): void {
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    segment.close();
    for (const end of ["", "-wal", "-shm"]) rmSync(this.#path(segment.number) + end, { force: true });
  }

  /** @param since  Unix milliseconds; segments that end before it are left out */
  *lines(since: number): Generator<LedgerLine> {
    // One may be dropped while the reader pauses.
    for (const segment of this.#segments.slice())
      if (segment === this.current || (segment.lastRow()?.at ?? beganAt(segment)) >= since) yield* segment.lines();
  }

  close(): void {
    for (const segment of this.#segments) segment.close();
  }

  #path(number: number): string {
    return join(this.#options.folder, `${String(number).padStart(8, "0")}.db`);
  }

  /** A next segment that was made but never announced, by a kill between the two. */
  #dropUnfinished(): void {
    const [before, last] = this.#segments.slice(-2);
    if (last === undefined || last.lastRow() !== undefined) return;
    const first = last.head("first");
    const unannounced = before !== undefined && before.lastRow()?.op !== SEGMENT_OP;
    if (first === undefined || unannounced) this.drop(last);
  }

  /** The chain goes on where the host's own word says that it ended; where it does not, a gap in the numbers stays for ever. */
  #resume(): { seq: number; hash: string } {
    const last = this.#segments.at(-1);
    if (last === undefined) {
      const start = { seq: 0, hash: CHAIN_START };
      const segment = new Segment(this.#path(1), 1);
      segment.begin(this.#options.sign(start));
      this.#segments.push(segment);
      return start;
    }
    const head = last.head("last");
    const row = last.lastRow();
    const { nodeId, signed } = this.#options;
    const genuine = head !== undefined && isGenuineHead(head, signed ? nodeId : null);
    const agrees = row === undefined || (row.seq === head?.seq && row.hash === head.hash && row.op !== SEGMENT_OP);
    if (genuine && agrees) return { seq: head.seq, hash: head.hash };
    const after = { seq: Math.max(head?.seq ?? 0, row?.seq ?? 0) + 1, hash: row?.hash ?? CHAIN_START };
    this.begin(after);
    return after;
  }
}

function beganAt(segment: Segment): number {
  const at = segment.head("first")?.at;
  return isTime(at) ? parseTime(at) : 0;
}
