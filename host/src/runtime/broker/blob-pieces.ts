/** Bytes of a file as they come from and go to whoever holds the role `blob-store`. @source plugin-platform §3.3, 30 §1 */
import type { JsonObject } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { blake3, createBlobCid } from "../../identity/index.ts";

export const PIECE_BYTES = 262_144;

/** @throws internal_error reason blob_altered for anything but pieces of bytes */
export function pieceOf(event: string, data: JsonObject, fault: () => HnError): Uint8Array {
  const bytes: unknown = data["bytes"];
  if (event !== "data" || !(bytes instanceof Uint8Array) || bytes.byteLength > PIECE_BYTES) throw fault();
  return bytes;
}

const altered = (): HnError => new HnError("internal_error", { reason: "blob_altered" });

/** What the file store hands out must be what was asked for: its last word is held back until the bytes have proved it. */
export class Reading {
  begun = false;
  size = 0;
  readonly #cid: string;
  readonly #digest = createBlobCid();
  /** A single chunk may be asked for by its own id. @source 30 §1 */
  #only: Uint8Array | undefined;

  constructor(cid: string) {
    this.#cid = cid;
  }

  take(event: string, data: JsonObject): Uint8Array {
    if (!this.begun) throw altered();
    const bytes = pieceOf(event, data, altered);
    this.#only = this.size === 0 ? bytes : undefined;
    this.size += bytes.byteLength;
    this.#digest.update(bytes);
    return bytes;
  }

  finish(): void {
    if (!this.begun) throw altered();
    if (this.#digest.digest().cid === this.#cid) return;
    if (blake3(this.#only ?? new Uint8Array(0)) !== this.#cid) throw altered();
  }
}
