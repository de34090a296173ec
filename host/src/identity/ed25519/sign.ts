import { type KeyObject, sign } from "node:crypto";
import { agree } from "./agree.ts";
import type { NativeSodium } from "./native.ts";
import { backend } from "./verify.ts";

const SEED_BYTES = 32;
const SECRET_BYTES = 64;
const SIGNATURE_BYTES = 64;

/** A private key at work. Ed25519 has one signature per key and message (RFC 8032 §5.1.6), so it makes no difference which library writes it. */
export class SigningKey {
  #key: KeyObject | null;
  /** The same key as the native library wants it, once it is trusted and wanted. */
  #secret: Buffer | null = null;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** @returns 64 bytes. @throws Error after `destroy` */
  sign(message: Uint8Array): Uint8Array {
    if (this.#key === null) throw new Error("the key was destroyed before this use of it");
    const { native } = backend;
    if (native === null) return sign(null, message, this.#key);
    const signature = Buffer.allocUnsafe(SIGNATURE_BYTES);
    this.#secret ??= secretOf(this.#key, native);
    native.crypto_sign_detached(signature, message, this.#secret);
    return signature;
  }

  /** The one key agreement that it takes part in. @throws bad_request low_order_point · Error after `destroy` @source 28 EE1 */
  agree(peer: Uint8Array): Uint8Array {
    if (this.#key === null) throw new Error("the key was destroyed before this use of it");
    return agree(this.#key, peer);
  }

  /** Forgets it. */
  destroy(): void {
    this.#key = null;
    this.#secret?.fill(0);
    this.#secret = null;
  }
}

function secretOf(key: KeyObject, native: NativeSodium): Buffer {
  const der = key.export({ format: "der", type: "pkcs8" });
  const secret = native.sodium_malloc(SECRET_BYTES);
  native.crypto_sign_seed_keypair(Buffer.alloc(SEED_BYTES), secret, der.subarray(-SEED_BYTES));
  der.fill(0);
  return secret;
}
