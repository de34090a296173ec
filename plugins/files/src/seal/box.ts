/** Sealed bytes: `HNB1`, for anything but chunks a nonce, ciphertext, tag. @source 30 §7 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const MAGIC = Buffer.from("HNB1");
const ALGORITHM = "chacha20-poly1305";
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const ZERO_NONCE = new Uint8Array(NONCE_BYTES);

/** @param key  this content's own @param cid  bound to it */
export function sealChunk(key: Uint8Array, cid: string, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([MAGIC, ...encrypt(key, ZERO_NONCE, { aad: cid, bytes })]);
}

/** Null when it was not sealed with this key for this content, or was changed since. */
export function openChunk(key: Uint8Array, cid: string, sealed: Uint8Array): Uint8Array | null {
  const body = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (!startsWithMagic(body)) return null;
  return decrypt(key, ZERO_NONCE, { aad: cid, body: body.subarray(MAGIC.length) });
}

/** The same under a nonce of its own, for what may be written anew under the same key. */
export function sealText(key: Uint8Array, about: string, bytes: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  return Buffer.concat([MAGIC, nonce, ...encrypt(key, nonce, { aad: about, bytes })]);
}

/** Null as for `openChunk`. */
export function openText(key: Uint8Array, about: string, sealed: Uint8Array): Uint8Array | null {
  const body = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (!startsWithMagic(body)) return null;
  const start = MAGIC.length + NONCE_BYTES;
  return decrypt(key, body.subarray(MAGIC.length, start), { aad: about, body: body.subarray(start) });
}

function encrypt(key: Uint8Array, nonce: Uint8Array, { aad, bytes }: { aad: string; bytes: Uint8Array }): Uint8Array[] {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(aad), { plaintextLength: bytes.byteLength });
  return [cipher.update(bytes), cipher.final(), cipher.getAuthTag()];
}

function decrypt(key: Uint8Array, nonce: Uint8Array, { aad, body }: { aad: string; body: Buffer }): Uint8Array | null {
  if (nonce.byteLength !== NONCE_BYTES || body.byteLength < TAG_BYTES) return null;
  const end = body.byteLength - TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(aad), { plaintextLength: end });
  decipher.setAuthTag(body.subarray(end));
  try {
    const bytes = decipher.update(body.subarray(0, end));
    decipher.final();
    return bytes;
  } catch {
    return null;
  }
}

function startsWithMagic(body: Buffer): boolean {
  return body.subarray(0, MAGIC.length).equals(MAGIC);
}
