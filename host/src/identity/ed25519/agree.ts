import { createHash, createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from "node:crypto";
import { HnError } from "../../foundation/index.ts";

const PKCS8_X25519 = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_X25519 = Buffer.from("302a300506032b656e032100", "hex");
const KEY_BYTES = 32;

/**
 * X25519 with an Ed25519 key converted: the scalar is SHA-512 of the seed, clamped, which is the signing scalar itself and so never leaves here.
 * @param peer  32 bytes, the u coordinate
 * @throws bad_request reason low_order_point when the secret would be the same for every key
 * @source 28 §1, EE1; RFC 7748 §6.1
 */
export function agree(key: KeyObject, peer: Uint8Array): Uint8Array {
  if (peer.byteLength !== KEY_BYTES) throw new HnError("bad_request", { message: "A key for agreement has 32 bytes." });
  const der = key.export({ format: "der", type: "pkcs8" });
  const digest = createHash("sha512").update(der.subarray(-KEY_BYTES)).digest();
  const converted = Buffer.concat([PKCS8_X25519, digest.subarray(0, KEY_BYTES)]);
  try {
    const privateKey = createPrivateKey({ key: converted, format: "der", type: "pkcs8" });
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI_X25519, peer]), format: "der", type: "spki" });
    const shared = secretOf(privateKey, publicKey);
    if (shared.every((byte) => byte === 0)) throw new HnError("bad_request", { reason: "low_order_point" });
    return new Uint8Array(shared);
  } finally {
    for (const secret of [der, digest, converted]) secret.fill(0);
  }
}

/** OpenSSL refuses an all-zero secret by itself. */
function secretOf(privateKey: KeyObject, publicKey: KeyObject): Buffer {
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch (cause) {
    throw new HnError("bad_request", { reason: "low_order_point", cause });
  }
}
