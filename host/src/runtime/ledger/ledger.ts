/** Who asked for what, and was it allowed: rows that nobody can change unseen. @source plugin-platform §8 */
import type {
  Clock,
  Grant,
  LedgerCheck,
  LedgerEntry,
  LedgerFilter,
  LedgerLine,
  LedgerRow,
  LedgerView,
  NodeId,
  Signature,
  SignedLedgerHead,
} from "../../contract/index.ts";
import { formatTime } from "../../foundation/index.ts";
import { chainHash, DROP_OP, LedgerChecker, SEGMENT_OP } from "../../format/index.ts";
import { printable } from "../process/index.ts";
import { grantChanges } from "./grant-changes.ts";
import type { HashedRow, Summed } from "./segment.ts";
import { LEDGER_LIMITS, Shelf, type LedgerLimits } from "./shelf.ts";
import { Sums } from "./sums.ts";

const DENIALS_PER_SECOND = 10;
const FLUSH_MS = 1000;
const TARGET_MAX = 200;
/** Lines of a check between two turns of the event loop. */
const CHECKED_AT_ONCE = 500;
const HOST = { plugin: "", release: "", permission: "", verdict: "allow" } as const;

export type SignHead = (head: { seq: number; hash: string; at: string }) => Signature;

export interface LedgerOptions {
  folder: string;
  clock: Clock;
  nodeId: NodeId;
  /** Absent where the host has no key, as in tests of plugins: heads are unsigned then, and none is asked for. */
  sign?: SignHead | undefined;
  limits?: Partial<LedgerLimits>;
  /** Rows could not be written; they are tried again each second. */
  onTrouble?: (error: unknown) => void;
}

/**
 * Allowed operations are summed per (plugin, op, target) and second; denials stand alone up to ten a second and plugin, then are summed as well.
 * A kill takes at most the sums of allowed operations along; of denials nothing.
 */
export class Ledger implements LedgerView {
  readonly #options: LedgerOptions;
  readonly #shelf: Shelf;
  readonly #sums = new Sums();
  readonly #listeners = new Set<(row: LedgerRow) => void>();
  #denials = { second: 0, byPlugin: new Map<string, number>() };
  #flushing = false;
  #closed = false;

  /** @throws internal_error db_corrupt */
  constructor(options: LedgerOptions) {
    this.#options = options;
    const { folder, nodeId, sign } = options;
    this.#shelf = new Shelf({
      folder,
      nodeId,
      limits: { ...LEDGER_LIMITS, ...options.limits },
      signed: sign !== undefined,
      sign: (head) => this.#signed(head),
    });
    const kept = this.#shelf.current.kept();
    if (kept.length > 0) this.#write(kept, true);
    this.#dropOverdue();
  }

  add(entry: LedgerEntry): void {
    if (this.#closed) return;
    if (entry.verdict !== "allow" && this.#standsAlone(entry.plugin)) return this.act(entry);
    const { key, sum } = this.#sums.add(entry);
    if (entry.verdict !== "allow") this.#try(() => this.#shelf.current.keep(key, sum));
    this.#plan();
  }

  /** What somebody has decided stands alone, and is written before they are told that it is done. */
  act(entry: LedgerEntry): void {
    if (this.#closed) return;
    this.#write([{ entry, count: 1, bytesIn: entry.bytesIn ?? 0, bytesOut: entry.bytesOut ?? 0 }], false);
  }

  /** One row for each right that was given, made narrower or taken. */
  addGrants(of: { plugin: string; release: string }, before: readonly Grant[], after: readonly Grant[]): void {
    for (const change of grantChanges(before, after)) this.act({ ...of, ...change });
  }

  flush(): void {
    this.#flushing = false;
    if (!this.#sums.isEmpty) this.#write(this.#sums.take(), true);
  }

  rows({ limit, ...filter }: LedgerFilter): LedgerRow[] {
    this.flush();
    const found: LedgerRow[] = [];
    for (const segment of this.#shelf.newestFirst) {
      if (found.length >= limit) break;
      found.push(...segment.rows({ ...filter, limit: limit - found.length }));
    }
    return found;
  }

  async check(): Promise<LedgerCheck> {
    const checker = this.#checker();
    let at = 0;
    for (const line of this.#shelf.lines(0)) {
      if (!checker.take(line)) break;
      if (++at % CHECKED_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return checker.finish({ whole: true });
  }

  /** As `check`, in one go: for tests, whose ledgers are short. */
  checkNow(): LedgerCheck {
    const checker = this.#checker();
    for (const line of this.#shelf.lines(0)) if (!checker.take(line)) break;
    return checker.finish({ whole: true });
  }

  *lines({ since = 0 }: { since?: number }): Generator<LedgerLine> {
    this.flush();
    yield { ledger: "hearthnet.ledger.v1", node_id: this.#options.nodeId };
    yield* this.#shelf.lines(since);
  }

  onRow(listener: (row: LedgerRow) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.flush();
    this.#closed = true;
    this.#shelf.close();
  }

  #checker(): LedgerChecker {
    this.flush();
    const { nodeId, sign } = this.#options;
    return new LedgerChecker({ nodeId, signed: sign !== undefined });
  }

  /** Counts the denial; true for the first ten of this second. */
  #standsAlone(plugin: string): boolean {
    const second = Math.floor(this.#options.clock.monotonic() / 1000);
    if (this.#denials.second !== second) this.#denials = { second, byPlugin: new Map() };
    const count = (this.#denials.byPlugin.get(plugin) ?? 0) + 1;
    this.#denials.byPlugin.set(plugin, count);
    return count <= DENIALS_PER_SECOND;
  }

  #plan(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#options.clock.setTimeout(() => !this.#closed && this.flush(), FLUSH_MS);
  }

  /** A disk that is full or broken ends no plugin's call: what could not be written is tried again. */
  #write(sums: readonly Summed[], settles: boolean): void {
    if (!this.#try(() => this.#append(sums, settles))) {
      this.#sums.restore(sums);
      this.#plan();
    } else if (this.#shelf.isFull(this.#options.clock.now())) this.#try(() => this.#turn());
  }

  #append(sums: readonly Summed[], settles: boolean): void {
    const rows: HashedRow[] = [];
    for (const sum of sums) rows.push(this.#row(sum, rows.at(-1) ?? this.#shelf.head));
    const last = rows.at(-1);
    if (last === undefined) return;
    this.#shelf.current.append(rows, { last: this.#signed(last), settles });
    this.#shelf.head = { seq: last.seq, hash: last.hash };
    for (const { hash: _, ...row } of rows) for (const listener of this.#listeners) listener(row);
  }

  /** The next segment begins, and what is older than a month goes. */
  #turn(): void {
    const ending = this.#shelf.current;
    const row = this.#row(single({ ...HOST, op: SEGMENT_OP, target: String(ending.number + 1) }), this.#shelf.head);
    this.#shelf.begin(row);
    for (const [key, sum] of this.#sums.denials()) this.#shelf.current.keep(key, sum);
    ending.append([row], { last: this.#signed(row), settles: true });
    this.#shelf.head = { seq: row.seq, hash: row.hash };
    this.#dropOverdue();
  }

  /** Says so before it does it; what a kill left lying goes with the next look. */
  #dropOverdue(): void {
    const overdue = this.#shelf.overdue(this.#options.clock.now());
    const until = overdue.at(-1)?.head("last")?.seq;
    if (until === undefined) return;
    this.#try(() => {
      this.#append([single({ ...HOST, op: DROP_OP, target: String(until) })], false);
      for (const segment of overdue) this.#shelf.drop(segment);
    });
  }

  #row({ entry, count, bytesIn, bytesOut }: Summed, before: { seq: number; hash: string }): HashedRow {
    const row: LedgerRow = {
      seq: before.seq + 1,
      at: Math.floor(this.#options.clock.now()),
      plugin: entry.plugin,
      release: entry.release,
      op: printable(entry.op),
      permission: entry.permission,
      // What a plugin asks for is its own words, and a terminal may show them.
      target: printable(entry.target.slice(0, TARGET_MAX)),
      bytes_in: bytesIn,
      bytes_out: bytesOut,
      count,
      verdict: entry.verdict,
      trace: entry.trace ?? "",
      via: entry.via ?? "",
      prev: before.hash,
    };
    return { ...row, hash: chainHash(row) };
  }

  #signed({ seq, hash }: { seq: number; hash: string }): SignedLedgerHead {
    const { clock, sign } = this.#options;
    const head = { seq, hash, at: formatTime(clock.now()) };
    const signature = sign?.(head);
    return { type: "hearthnet.ledger.v1", ...head, ...(signature === undefined ? {} : { signature }) };
  }

  #try(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.#options.onTrouble?.(error);
      return false;
    }
  }
}

function single(entry: LedgerEntry): Summed {
  return { entry, count: 1, bytesIn: 0, bytesOut: 0 };
}
