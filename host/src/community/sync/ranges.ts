import { createHash } from "node:crypto";
import { FRAME_BYTES, ID_BYTES, type Range, sizeOf, wrong } from "./range-message.ts";
import { BEGINNING, type Bound, boundBetween, compareBounds, END, type Sum, type SumTree } from "./sum-tree.ts";

/** @source network.md §5 "Range message" */
const SPLIT = 16;
const IDS_MAX = 32;
/** An answer to ids tells its own in one step up to so many: the other side has few there, and asking on would cost more. */
const ANSWER_IDS_MAX = 512;
const NOTHING = new Uint8Array();

/** SHA-256(sum ‖ count)[0..16): 32 bytes and 8 bytes, the highest first. */
export function fingerprint({ count, sum }: Sum): Uint8Array {
  const bytes = Buffer.alloc(40);
  bytes.write(sum.toString(16).padStart(64, "0"), "hex");
  bytes.writeBigUInt64BE(BigInt(count), 32);
  return createHash("sha256").update(bytes).digest().subarray(0, ID_BYTES);
}

/** One side's view of a stretch of its log. */
export class RangeView {
  readonly #tree: SumTree;
  readonly #floor: Bound;

  /** @param floor  what lies below this lamport is left out */
  constructor(tree: SumTree, floor: number) {
    this.#tree = tree;
    this.#floor = [floor, ""];
  }

  sum(from: Bound, to: Bound): Sum {
    const low = compareBounds(from, this.#floor) < 0 ? this.#floor : from;
    return compareBounds(low, to) >= 0 ? { count: 0, sum: 0n } : this.#tree.between(low, to);
  }

  /** First 16 bytes of each item, end to end. */
  ids(from: Bound, to: Bound): Uint8Array {
    const low = compareBounds(from, this.#floor) < 0 ? this.#floor : from;
    return Buffer.concat([...this.#tree.items(low, to)].map(({ hash }) => hash.slice(0, ID_BYTES)));
  }

  /** What this side says of a stretch in which the two differ: its ids when they are few, else fingerprints of up to 16 parts. */
  describe(from: Bound, to: Bound): Range[] {
    const { count } = this.sum(from, to);
    const bounds = count > IDS_MAX ? this.#cuts(from, to, count) : [];
    // Events with one place and many authors cannot be told apart by bounds.
    if (bounds.length === 0) return [{ from, to, mode: 2, data: this.ids(from, to) }];
    let start = from;
    return [...bounds, to].map((end) => {
      const part: Range = { from: start, to: end, mode: 1, data: fingerprint(this.sum(start, end)) };
      start = end;
      return part;
    });
  }

  #cuts(from: Bound, to: Bound, count: number): Bound[] {
    const low = compareBounds(from, this.#floor) < 0 ? this.#floor : from;
    const base = this.#tree.before(low).count;
    const cuts: Bound[] = [];
    for (let part = 1; part < SPLIT; part++) {
      const rank = base + Math.floor((part * count) / SPLIT);
      const cut = boundBetween(this.#tree.at(rank - 1), this.#tree.at(rank));
      const last = cuts.at(-1) ?? from;
      if (cut !== null && compareBounds(cut, last) > 0 && compareBounds(cut, to) < 0) cuts.push(cut);
    }
    return cuts;
  }
}

/**
 * The answering side keeps nothing: what it says follows from its log and the question alone. An answer may end early when the frame is full; what it
 * does not cover is asked again.
 */
export function answerRanges(view: RangeView, asked: readonly Range[]): Range[] {
  const out: Range[] = [];
  let room = FRAME_BYTES;
  for (const { from, to, mode, data } of asked) {
    const said =
      mode === 0 ? [settled(from, to)] : mode === 1 ? answerFingerprint(view, { from, to, data }) : answerIds(view, from, to);
    room -= said.reduce((sum, range) => sum + sizeOf(range), 0);
    if (room < 0 && out.length > 0) break;
    out.push(...said);
  }
  return out;
}

function answerFingerprint(view: RangeView, { from, to, data }: Pick<Range, "from" | "to" | "data">): Range[] {
  return isSame(fingerprint(view.sum(from, to)), data) ? [settled(from, to)] : view.describe(from, to);
}

function answerIds(view: RangeView, from: Bound, to: Bound): Range[] {
  if (view.sum(from, to).count <= ANSWER_IDS_MAX) return [{ from, to, mode: 2, data: view.ids(from, to) }];
  return view.describe(from, to);
}

function settled(from: Bound, to: Bound): Range {
  return { from, to, mode: 0, data: NOTHING };
}

/** The asking side: holds what is still open. @source network.md §5 "The initiator holds the state" */
export class RangeRun {
  readonly #view: RangeView;
  /** Stretches that may differ, in order. */
  #open: Range[];
  #asked: Range[] = [];
  /** First 16 bytes, hex, of items that only the other side has. */
  readonly missing: Set<string> = new Set();
  /** The same of items that only this side has. */
  readonly surplus: Set<string> = new Set();

  constructor(view: RangeView) {
    this.#view = view;
    this.#open = view.describe(BEGINNING, END);
  }

  /** Where what is not settled begins; null when everything is. */
  get rest(): Bound | null {
    return this.#open[0]?.from ?? null;
  }

  /** What to ask next: as much of what is open as fits into one frame, settled stretches between. Empty when nothing is open. */
  question(): Range[] {
    const out: Range[] = [];
    this.#asked = [];
    let room = FRAME_BYTES;
    let end = BEGINNING;
    for (const range of this.#open) {
      const gap = compareBounds(range.from, end) > 0 ? [settled(end, range.from)] : [];
      room -= [...gap, range].reduce((sum, one) => sum + sizeOf(one), 0);
      if (room < 0) break;
      out.push(...gap, range);
      this.#asked.push(range);
      end = range.to;
    }
    return out;
  }

  /**
   * Takes the answer to the last question. @throws bad_request when it says something of what was not asked, or repeats a stretch instead of
   * cutting it: such a run need not end
   */
  take(said: readonly Range[]): void {
    const end = said.at(-1)?.to ?? BEGINNING;
    const covered = this.#asked.filter(({ to }) => compareBounds(to, end) <= 0);
    if (covered.length === 0) throw wrong("the answer covers nothing of what was asked");
    const parts = said.filter(({ mode }) => mode !== 0);
    let at = 0;
    for (const part of parts) {
      while (covered[at] !== undefined && compareBounds((covered[at] as Range).to, part.from) <= 0) at += 1;
      const parent = covered[at];
      if (parent === undefined || compareBounds(part.from, parent.from) < 0 || compareBounds(part.to, parent.to) > 0)
        throw wrong("the answer speaks of what was not asked");
      if (part.mode === 1 && compareBounds(part.from, parent.from) === 0 && compareBounds(part.to, parent.to) === 0)
        throw wrong("the answer cuts nothing");
    }
    this.#open = [...parts.flatMap((part) => this.#goOn(part)), ...this.#open.filter((range) => !covered.includes(range))];
  }

  #goOn({ from, to, mode, data }: Range): Range[] {
    if (mode === 2) {
      this.#compareIds(this.#view.ids(from, to), data);
      return [];
    }
    return isSame(fingerprint(this.#view.sum(from, to)), data) ? [] : this.#view.describe(from, to);
  }

  #compareIds(ours: Uint8Array, theirs: Uint8Array): void {
    const [here, there] = [new Set(idsIn(ours)), new Set(idsIn(theirs))];
    for (const id of there) if (!here.has(id)) this.missing.add(id);
    for (const id of here) if (!there.has(id)) this.surplus.add(id);
  }
}

function idsIn(bytes: Uint8Array): string[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: all.byteLength / ID_BYTES }, (_, i) => all.toString("hex", i * ID_BYTES, (i + 1) * ID_BYTES));
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
