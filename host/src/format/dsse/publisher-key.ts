import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { HnError } from "../../foundation/index.ts";

/** A publisher's public key as DSSE and TUF name it. */
export interface PublisherKey {
  /** SHA-256 of the SPKI, hex. */
  keyId: string;
  /** 32 bytes. */
  publicKey: Uint8Array;
}

/** @param raw  32-byte Ed25519 key */
export function publisherKey(raw: Uint8Array): PublisherKey {
  return { keyId: createHash("sha256").update(spkiOf(raw)).digest("hex"), publicKey: raw };
}

/** Reads `BEGIN PUBLIC KEY`. @throws bad_request */
export function readPublisherKey(pem: string): PublisherKey {
  try {
    return fromKeyObject(createPublicKey(pem.trim()));
  } catch (cause) {
    throw new HnError("bad_request", { message: "This is not an Ed25519 public key in PEM form.", cause });
  }
}

export function fromKeyObject(key: KeyObject): PublisherKey {
  if (key.asymmetricKeyType !== "ed25519")
    throw new HnError("bad_request", { message: "A publisher key must be an Ed25519 key." });
  return publisherKey(new Uint8Array(key.export({ type: "spki", format: "der" }).subarray(-32)));
}

/** @returns PKCS#8 encrypted under the passphrase, and the public half */
export function createPublisherKey(passphrase: string): { privatePem: string; publicPem: string; key: PublisherKey } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privatePem: privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase }),
    publicPem: publicKey.export({ type: "spki", format: "pem" }),
    key: fromKeyObject(publicKey),
  };
}

/** Trims first: a stray newline must not make a key unreadable. @throws unauthorized passphrase_wrong · bad_request */
export function openPublisherKey(pem: string, passphrase: string | null): KeyObject {
  try {
    const key = createPrivateKey({ key: pem.trim(), ...(passphrase === null ? {} : { passphrase }) });
    if (key.asymmetricKeyType !== "ed25519") throw new Error("not Ed25519");
    return key;
  } catch (cause) {
    const encrypted = pem.includes("ENCRYPTED");
    throw encrypted
      ? new HnError("unauthorized", { reason: "passphrase_wrong", cause })
      : new HnError("bad_request", { message: "This is not an Ed25519 private key in PKCS#8 form.", cause });
  }
}

function spkiOf(raw: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]);
}
