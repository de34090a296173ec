import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import sodium from "libsodium-wrappers";
import { RecentMap } from "../../foundation/index.ts";
import type { NativeSodium } from "./native.ts";
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

/** Rule, then OpenSSL. */
export const verifyWithNode: Verifier = (key, message, signature) =>
  isAcceptableSignature(signature) && verify(null, message, key.key, signature);

/** Second opinion; the only verifier where no native code runs. Call `sodiumReady` first. */
export const verifyWithSodium: Verifier = (key, message, signature) =>
  isAcceptableSignature(signature) && sodium.crypto_sign_verify_detached(signature, message, key.bytes);

/** Rule, then libsodium compiled for this machine. */
export function verifierOf(native: NativeSodium): Verifier {
  return (key, message, signature) =>
    isAcceptableSignature(signature) && native.crypto_sign_verify_detached(signature, message, key.bytes);
}

/** What this process works with. */
interface Backend {
  /** In use from the moment when the self-test has found nothing against it. */
  native: NativeSodium | null;
  verify: Verifier;
}
export const backend: Backend = { native: null, verify: verifyWithNode };

/** The verdict of this host. */
export const verifySignature: Verifier = (key, message, signature) => backend.verify(key, message, signature);

export const sodiumReady: Promise<void> = sodium.ready;

const seen: RecentMap<string, number> = new RecentMap(CACHE_SIZE);
let nextTurn = 0;

/** Positive results are remembered for a minute: events and manifests arrive over several paths. @source 01 I-3 */
export function verifyCached(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  // Lengths first: the parts are hashed end to end, and only fixed lengths keep them apart.
  if (!isAcceptableSignature(signature)) return false;
  const id = createHash("sha256").update(key.bytes).update(signature).update(message).digest("base64");
  const now = performance.now();
  // Those of more than a minute ago are never asked for again.
  if (now >= nextTurn) {
    seen.turn();
    nextTurn = now + CACHE_MS;
  }
  if ((seen.get(id) ?? -Infinity) > now) return true;
  const valid = verifySignature(key, message, signature);
  if (valid) seen.set(id, now + CACHE_MS);
  return valid;
}
