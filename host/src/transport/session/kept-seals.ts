import { type Database, HnError, openDatabase } from "../../foundation/index.ts";
import type { Clock, Log, PeerSeal, SessionProof, Timer } from "../../contract/index.ts";
import { leafOf } from "./merkle.ts";
import { exportProof } from "./proof.ts";
import type { HeardSeal, SealedLeaves } from "./seal.ts";

const HOUR_MS = 3_600_000;
/** @source network.md §1.6 "Kept by the receiver" */
const WITH_MS = 30 * 24 * HOUR_MS;
const AFTER_MS = HOUR_MS;
const LEAF_BYTES = 32;
/** What a seal takes beside its leaves, with the page it stands on. */
const SEAL_BYTES = 800;
const BYTES_MAX = 268_435_456;
/** So many, or so long, wait for the disk together: what a crash loses. */
const BATCH = 64;
const BATCH_MS = 250;
const ENDED_MAX = 4096;

const MIGRATIONS = [
  `CREATE TABLE seal(id INTEGER PRIMARY KEY, until INTEGER NOT NULL, bytes INTEGER NOT NULL, seal TEXT NOT NULL, signature TEXT NOT NULL, leaves BLOB NOT NULL) STRICT;
   CREATE INDEX seal_until ON seal(until, id);`,
];

interface Waiting {
  sealed: HeardSeal;
  /** Unix milliseconds. */
  until: number;
}

interface Row {
  id: number;
  bytes: number;
  seal: string;
  signature: string;
  leaves: Uint8Array;
}

/**
 * What neighbours have signed on their sessions: seals and the leaves under them, never what was said. With the record itself, which whoever needs
 * a proof has kept, they show a third party who said it. Those over calls that change something stay for 30 days, others for an hour; when there is
 * no room, what would end first goes first.
 * @source network.md §1.6
 */
export class KeptSeals {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #bytesMax: number;
  #waiting: Waiting[] = [];
  #timer: Timer | undefined;
  #bytes: number;

  /** @throws internal_error reason db_corrupt */
  constructor(o: { path: string; clock: Clock; log: Log; bytesMax?: number }) {
    this.#db = openDatabase(o.path, { migrations: MIGRATIONS });
    this.#clock = o.clock;
    this.#log = o.log;
    this.#bytesMax = o.bytesMax ?? BYTES_MAX;
    const { total } = this.#db.prepare("SELECT coalesce(sum(bytes), 0) AS total FROM seal").get() as { total: number };
    this.#bytes = total;
  }

  keep(sealed: HeardSeal): void {
    this.#waiting.push({ sealed, until: this.#clock.now() + (sealed.isWith ? WITH_MS : AFTER_MS) });
    if (this.#waiting.length >= BATCH) return this.#write();
    this.#timer ??= this.#clock.setTimeout(() => this.#write(), BATCH_MS);
  }

  /**
   * Looks through all of them: for an operator's question, not for every call.
   * @param record  header and body, as they came
   * @throws not_found when no seal that is kept covers it
   */
  proofOf(record: Uint8Array): SessionProof {
    this.#write();
    const leaf = leafOf(record);
    const found = this.#db.prepare("SELECT * FROM seal WHERE until > ? AND instr(leaves, ?) > 0");
    for (const row of found.all(this.#clock.now(), leaf) as unknown as Row[]) {
      const sealed = sealedOf(row);
      // Where two leaves meet there may be the same bytes by chance.
      if (sealed.leaves.some((one) => one.equals(leaf))) return exportProof(sealed, record);
    }
    throw new HnError("not_found", { message: "No seal that is kept here covers this record." });
  }

  close(): void {
    this.#write();
    this.#db.close();
  }

  /** Calls go on when the disk is full; there is no proof of them then. */
  #write(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length === 0) return;
    try {
      this.#bytes += this.#db.transaction(() => this.#insert(batch) - this.#dropEnded());
    } catch (error) {
      this.#log.warn("seals of neighbours could not be kept", { seals: batch.length, error });
    }
  }

  #insert(batch: readonly Waiting[]): number {
    let added = 0;
    const insert = this.#db.prepare("INSERT INTO seal(until, bytes, seal, signature, leaves) VALUES(?, ?, ?, ?, ?)");
    for (const { sealed, until } of batch) {
      const leaves = Buffer.concat(sealed.leaves);
      const bytes = SEAL_BYTES + leaves.byteLength;
      insert.run(until, bytes, JSON.stringify(sealed.seal), sealed.signature, leaves);
      added += bytes;
    }
    return added - this.#dropForRoom(this.#bytes + added - this.#bytesMax);
  }

  #dropEnded(): number {
    const ended = this.#db.prepare("SELECT id, bytes FROM seal WHERE until <= ? ORDER BY until, id LIMIT ?");
    return this.#drop(ended.all(this.#clock.now(), ENDED_MAX) as unknown as Row[]);
  }

  #dropForRoom(tooMuch: number): number {
    const first = this.#db.prepare("SELECT id, bytes FROM seal ORDER BY until, id LIMIT ?");
    let dropped = 0;
    while (dropped < tooMuch) {
      const rows = first.all(1 + Math.floor((tooMuch - dropped) / SEAL_BYTES)) as unknown as Row[];
      if (rows.length === 0) break;
      for (const row of rows) if (dropped < tooMuch) dropped += this.#drop([row]);
    }
    return dropped;
  }

  #drop(rows: readonly Pick<Row, "id" | "bytes">[]): number {
    const remove = this.#db.prepare("DELETE FROM seal WHERE id = ?");
    for (const { id } of rows) remove.run(id);
    return rows.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

function sealedOf({ seal, signature, leaves }: Row): SealedLeaves {
  const all = Buffer.from(leaves.buffer, leaves.byteOffset, leaves.byteLength);
  return {
    seal: JSON.parse(seal) as PeerSeal,
    signature,
    leaves: Array.from({ length: all.byteLength / LEAF_BYTES }, (_, n) => all.subarray(n * LEAF_BYTES, (n + 1) * LEAF_BYTES)),
  };
}
