import { createHmac, createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from "node:crypto";
import { decodeBase64url, encodeBase64url } from "../../foundation/index.ts";
import { PROTOCOL } from "./transcript.ts";

const PKCS8_X25519 = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_X25519 = Buffer.from("302a300506032b656e032100", "hex");
const KEY_BYTES = 32;
const IV_BYTES = 12;
const SID_BYTES = 16;
export const PREFIX = "x25519:";
const NOTHING = Buffer.alloc(0);

/** A key pair of one attempt. */
export interface Ephemeral {
  /** `x25519:` and 43 characters. */
  text: string;
  /** @returns null when the secret would be the same for every key */
  agree(peer: string): Buffer | null;
  erase(): void;
}

/** @param secret  32 random bytes; wiped here */
export function createEphemeral(secret: Uint8Array): Ephemeral {
  const der = Buffer.concat([PKCS8_X25519, secret]);
  let key: KeyObject | null = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  der.fill(0);
  secret.fill(0);
  return {
    text: PREFIX + encodeBase64url(spki.subarray(-KEY_BYTES)),
    agree: (peer) => (key === null ? null : agree(key, peer)),
    erase: () => (key = null),
  };
}

function agree(privateKey: KeyObject, peer: string): Buffer | null {
  const bytes = decodeBase64url(peer.slice(PREFIX.length), KEY_BYTES);
  try {
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI_X25519, bytes]), format: "der", type: "spki" });
    const shared = diffieHellman({ privateKey, publicKey });
    return shared.every((byte) => byte === 0) ? null : shared;
  } catch {
    // OpenSSL refuses an all-zero secret by itself.
    return null;
  }
}

export function hmac(key: Uint8Array | KeyObject, data: Uint8Array): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

/** HKDF-Expand of one block; `bytes` is at most 32. @source network.md §1.3 `X` */
export function expand(key: Uint8Array, label: string, o: { bytes: number; context?: Uint8Array }): Buffer {
  const info = [Buffer.from(`${PROTOCOL} ${label}`, "latin1"), Buffer.of(0), o.context ?? NOTHING, Buffer.of(1)];
  return hmac(key, Buffer.concat(info)).subarray(0, o.bytes);
}

/** prk = HKDF-Extract with the transcript as salt; the secret is wiped. */
export function extract(th2: Uint8Array, secret: Buffer): Buffer {
  const prk = hmac(th2, secret);
  secret.fill(0);
  return prk;
}

/** Proof that one side has the secret. @source network.md §1.2 Finished */
export function finishedMac(prk: Uint8Array, side: "r" | "i", th: Uint8Array): Buffer {
  return hmac(expand(prk, `finished ${side}`, { bytes: KEY_BYTES }), th);
}

/** Key and nonce base of one direction in one generation. */
export interface DirectionKey {
  key: Buffer;
  iv: Buffer;
}

export interface SessionKeys {
  sid: Buffer;
  i2r: DirectionKey;
  r2i: DirectionKey;
}

export function deriveSession(prk: Uint8Array, th6: Uint8Array): SessionKeys {
  const master = expand(prk, "master", { bytes: KEY_BYTES, context: th6 });
  const direction = (d: string): DirectionKey => ({
    key: expand(master, `key ${d}`, { bytes: KEY_BYTES }),
    iv: expand(master, `iv ${d}`, { bytes: IV_BYTES }),
  });
  const keys = { sid: expand(master, "sid", { bytes: SID_BYTES }), i2r: direction("i2r"), r2i: direction("r2i") };
  master.fill(0);
  return keys;
}

/** The next generation; the old key is wiped. */
export function nextGeneration(old: DirectionKey): DirectionKey {
  const next = { key: expand(old.key, "rekey", { bytes: KEY_BYTES }), iv: expand(old.key, "rekey iv", { bytes: IV_BYTES }) };
  old.key.fill(0);
  old.iv.fill(0);
  return next;
}
