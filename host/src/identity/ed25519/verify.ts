import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import sodium from "libsodium-wrappers";
import { RecentMap } from "../../foundation/index.ts";
import { isAcceptablePoint, isAcceptableSignature } from "./rule.ts";

const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const CACHE_SIZE = 16_384;
const CACHE_MS = 60_000;

/** A checked public key, imported once: importing on every call would add half a verification. */
export interface PublicKey {
  bytes: Uint8Array;
  key: KeyObject;
}

/** @returns null for small-order and non-canonical encodings */
export function importPublicKey(bytes: Uint8Array): PublicKey | null {
  if (!isAcceptablePoint(bytes)) return null;
  return { bytes, key: createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: "der", type: "spki" }) };
}

export type Verifier = (key: PublicKey, message: Uint8Array, signature: Uint8Array) => boolean;

/** The verdict of this host: rule, then OpenSSL. */
export const verifyWithNode: Verifier = (key, message, signature) =>
  isAcceptableSignature(signature) && verify(null, message, key.key, signature);

/** Second opinion; the only verifier where no native code runs. Call `sodiumReady` first. */
export const verifyWithSodium: Verifier = (key, message, signature) =>
  isAcceptableSignature(signature) && sodium.crypto_sign_verify_detached(signature, message, key.bytes);

export const sodiumReady: Promise<void> = sodium.ready;

const seen: RecentMap<string, number> = new RecentMap(CACHE_SIZE);

/** Positive results are remembered for a minute: events and manifests arrive over several paths. @source 01 I-3 */
export function verifyCached(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  // Lengths first: the parts are hashed end to end, and only fixed lengths keep them apart.
  if (!isAcceptableSignature(signature)) return false;
  const id = createHash("sha256").update(key.bytes).update(signature).update(message).digest("base64");
  const now = performance.now();
  if ((seen.get(id) ?? -Infinity) > now) return true;
  const valid = verifyWithNode(key, message, signature);
  if (valid) seen.set(id, now + CACHE_MS);
  return valid;
}
