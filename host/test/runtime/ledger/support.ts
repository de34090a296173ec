/** A ledger in a folder of its own, with the key that signs it, and ways to lay hands on its files. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { LedgerEntry, LedgerRow } from "../../../src/contract/index.ts";
import { chainHash } from "../../../src/format/index.ts";
import { ManualClock } from "../../../src/foundation/index.ts";
import { importSeed, Signer } from "../../../src/identity/index.ts";
import { Ledger, type LedgerOptions } from "../../../src/runtime/ledger/index.ts";

const { nodeId, key } = importSeed(randomBytes(32));
export const SIGNER: Signer = new Signer(nodeId, key);

export const ENTRY: LedgerEntry = {
  plugin: "dev/a",
  release: "1.0.0",
  op: "kv.get",
  permission: "storage.kv",
  target: "",
  verdict: "allow",
};

export class LedgerFolder {
  readonly folder: string = mkdtempSync(join(tmpdir(), "hn-ledger-"));
  readonly clock: ManualClock = new ManualClock();
  ledger: Ledger;
  readonly #options: Partial<LedgerOptions>;

  constructor(options: Partial<LedgerOptions> = {}) {
    this.#options = options;
    this.ledger = this.#open();
  }

  /** Ends this life of the ledger, lets somebody else at its files, and begins another. */
  reopen(meanwhile: () => void = () => {}): Ledger {
    this.ledger.close();
    meanwhile();
    return (this.ledger = this.#open());
  }

  /** One denial a row. */
  deny(target: string, entry: Partial<LedgerEntry> = {}): void {
    this.clock.advance(200);
    this.ledger.add({ ...ENTRY, verdict: "deny", target, ...entry });
  }

  segments(): string[] {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith(".db"))
      .toSorted()
      .map((name) => join(this.folder, name));
  }

  /** Runs SQL on every segment, as somebody with the node's files could. */
  sql(text: string): void {
    for (const path of this.segments()) sqlIn(path, text);
  }

  /** Changes a row and gives it the hash that then fits. */
  rewrite(seq: number, change: Partial<LedgerRow>): void {
    for (const path of this.segments()) {
      const db = new DatabaseSync(path);
      const found = db.prepare("SELECT * FROM row WHERE seq = ?").get(seq) as (LedgerRow & { hash: string }) | undefined;
      if (found !== undefined) {
        const { hash: _, ...row } = { ...found, ...change };
        db.prepare("UPDATE row SET target = ?, hash = ? WHERE seq = ?").run(row.target, chainHash(row), seq);
      }
      db.close();
    }
  }

  close(): void {
    this.ledger.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #open(): Ledger {
    return new Ledger({
      folder: this.folder,
      clock: this.clock,
      nodeId: SIGNER.nodeId,
      sign: (head) => SIGNER.signLedgerHead(head),
      ...this.#options,
    });
  }
}

export function sqlIn(path: string, text: string): void {
  const db = new DatabaseSync(path);
  db.exec(text);
  db.close();
}
