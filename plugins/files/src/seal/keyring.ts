/** The root on the disk: wrapped under a key of this node, and under a passphrase as well if the operator wants it. @source 30 §7 */
import { randomBytes, scrypt } from "node:crypto";
import type { Database } from "@hearthnet/sdk-plugin";
import { openText, sealText } from "./box.ts";
import { openRoot, type Root } from "./root.ts";

/** Takes 128 MiB and some tenths of a second, also of whoever tries passphrases. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 192 * 1_048_576 };
const ABOUT = "hearthnet.files.root.v1";

interface Row {
  wrapped: Uint8Array;
  salt: Uint8Array | null;
}

export class Keyring {
  readonly #db: Database;
  readonly #nodeKey: Uint8Array;

  /** @param nodeKey  32 bytes that only this plugin on this node gets */
  constructor(db: Database, nodeKey: Uint8Array) {
    this.#db = db;
    this.#nodeKey = nodeKey;
    db.exec(
      "CREATE TABLE IF NOT EXISTS keyring(only INTEGER PRIMARY KEY CHECK(only = 1), wrapped BLOB NOT NULL, salt BLOB) STRICT",
    );
  }

  get hasPassphrase(): boolean {
    return (this.#row()?.salt ?? null) !== null;
  }

  /**
   * Makes a root where there is none.
   * @returns null when the passphrase is missing or wrong, or the disk belongs to another node
   */
  async open(passphrase?: string): Promise<Root | null> {
    const row = this.#row();
    if (row === undefined) {
      const bytes = randomBytes(32);
      this.#keep(bytes, null, null);
      return openRoot(bytes);
    }
    const bytes = await this.#unwrap(row, passphrase);
    return bytes === null ? null : openRoot(bytes);
  }

  /** @param next  null: none from now on @returns false when the present one is wrong */
  async change(present: string | undefined, next: string | null): Promise<boolean> {
    const row = this.#row();
    const bytes = row === undefined ? randomBytes(32) : await this.#unwrap(row, present);
    if (bytes === null) return false;
    const salt = next === null ? null : randomBytes(16);
    const key = next === null || salt === null ? null : await stretch(next, salt);
    this.#keep(bytes, key, salt);
    return true;
  }

  async #unwrap({ wrapped, salt }: Row, passphrase: string | undefined): Promise<Uint8Array | null> {
    const inner = openText(this.#nodeKey, ABOUT, wrapped);
    if (inner === null || salt === null) return inner;
    if (passphrase === undefined) return null;
    return openText(await stretch(passphrase, salt), ABOUT, inner);
  }

  #keep(root: Uint8Array, passphraseKey: Uint8Array | null, salt: Uint8Array | null): void {
    const inner = passphraseKey === null ? root : sealText(passphraseKey, ABOUT, root);
    const wrapped = sealText(this.#nodeKey, ABOUT, inner);
    this.#db.exec("PRAGMA synchronous = FULL");
    this.#db.prepare("INSERT OR REPLACE INTO keyring(only, wrapped, salt) VALUES(1, ?, ?)").run(wrapped, salt);
    this.#db.exec("PRAGMA synchronous = NORMAL");
  }

  #row(): Row | undefined {
    return this.#db.prepare("SELECT wrapped, salt FROM keyring").get() as Row | undefined;
  }
}

function stretch(passphrase: string, salt: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) =>
    scrypt(passphrase.normalize("NFC"), salt, 32, SCRYPT, (error, key) => (error === null ? resolve(key) : reject(error))),
  );
}
