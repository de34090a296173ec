import type { LedgerCheck, LedgerFaultKind, LedgerLine, NodeId, SignedLedgerHead } from "../../contract/index.ts";
import { verifyTyped } from "../../identity/index.ts";
import { CHAIN_START, chainHash, DROP_OP, SEGMENT_OP } from "./chain.ts";

/** True when the host has signed this head; without a key to ask for, every head counts. */
export function isGenuineHead({ signature, ...head }: SignedLedgerHead, signedBy: NodeId | null): boolean {
  return signedBy === null || (signature !== undefined && verifyTyped("ledger", head, { by: signedBy, signature }));
}

/**
 * Takes the lines of a ledger in order and finds the first row that was edited, removed or moved, and the first head that is not the host's.
 * @source plugin-platform §8.2
 */
export class LedgerChecker {
  readonly #nodeId: NodeId;
  readonly #signedBy: NodeId | null;
  #place: { seq: number; hash: string } | undefined;
  #start = 0;
  #rows = 0;
  #dropped = 0;
  /** A segment is begun and its last head has not come. */
  #open = false;
  #more = false;
  #fault: LedgerCheck["fault"];

  /** @param o.signed  false where the host has no key */
  constructor(o: { nodeId: NodeId; signed: boolean }) {
    this.#nodeId = o.nodeId;
    this.#signedBy = o.signed ? o.nodeId : null;
  }

  /** @returns false once something is wrong: nothing after it can be told any more */
  take(line: LedgerLine): boolean {
    if (this.#fault !== undefined) return false;
    if ("head" in line) this.#head(line.head, line.ends);
    else if ("row" in line) this.#row(line);
    return this.#fault === undefined;
  }

  /** A line that could not be read at all. */
  refuse(): void {
    this.#report(this.#next, "unreadable");
  }

  /** @param o.whole  everything that the host keeps was taken in: then what is gone must have been dropped by the host itself */
  finish(o: { whole: boolean }): LedgerCheck {
    if (this.#open || this.#place === undefined) this.#report(this.#next, "head_absent");
    else if (this.#more) this.#report(this.#next, "missing");
    else if (o.whole && this.#start > this.#dropped) this.#report(this.#dropped + 1, "missing");
    const last = this.#place?.seq ?? 0;
    return {
      ok: this.#fault === undefined,
      node_id: this.#nodeId,
      rows: this.#rows,
      first: this.#rows === 0 ? 0 : this.#start + 1,
      last: this.#rows === 0 ? 0 : last,
      ...(this.#fault === undefined ? {} : { fault: this.#fault }),
    };
  }

  get #next(): number {
    return (this.#place?.seq ?? 0) + 1;
  }

  #head(head: SignedLedgerHead, ends: boolean): void {
    const genuine = isGenuineHead(head, this.#signedBy);
    const place = this.#place;
    if (ends !== this.#open) return this.#report(this.#next, "head_absent");
    if (!genuine) return this.#report(this.#next, head.signature === undefined ? "head_absent" : "head_forged");
    this.#open = !ends;
    if (!ends) this.#more = false;
    if (place === undefined) {
      if (head.seq === 0 && head.hash !== CHAIN_START) return this.#report(1, "head_forged");
      this.#start = head.seq;
      this.#place = { seq: head.seq, hash: head.hash };
      return;
    }
    if (head.seq > place.seq) return this.#report(place.seq + 1, "missing");
    // Rows beyond the last signed head, or another row in its place, are nobody's word.
    if (head.seq < place.seq) return this.#report(head.seq + 1, "edited");
    if (head.hash !== place.hash) this.#report(place.seq, "edited");
  }

  #row({ row, hash }: Extract<LedgerLine, { row: unknown }>): void {
    const place = this.#place;
    if (place === undefined || !this.#open) return this.#report(row.seq, "head_absent");
    if (row.seq > place.seq + 1) return this.#report(place.seq + 1, "missing");
    if (row.seq <= place.seq || row.prev !== place.hash) return this.#report(place.seq + 1, "moved");
    if (chainHash(row) !== hash) return this.#report(row.seq, "edited");
    this.#more = row.op === SEGMENT_OP;
    if (row.op === DROP_OP) this.#dropped = Number(row.target);
    this.#place = { seq: row.seq, hash };
    this.#rows += 1;
  }

  #report(seq: number, kind: LedgerFaultKind): void {
    this.#fault ??= { seq, kind };
  }
}
