import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { Refusal } from "@hearthnet/host/command-line";
import { fromKeyObject, openPublisherKey } from "@hearthnet/host/format";
import { Key, Signature } from "@tufjs/models";

/** A key that signs metadata. The private half stays in this object. */
export interface RoleKey {
  /** SHA-256 of the SPKI, hex; the same name as in a package's signature. */
  keyId: string;
  tuf: Key;
  sign(bytes: Buffer): Signature;
  file: string;
}

/**
 * Opens a key file, PKCS#8, Ed25519. Never makes one: a typing mistake must not become a new identity.
 * @param passphrase  asked for only when the file is locked
 * @throws Refusal key_missing | key_permissions | key_invalid · HnError passphrase_wrong
 */
export function readKeyFile(file: string, passphrase: () => string): RoleKey {
  let pem: string;
  try {
    pem = readFileSync(file, "utf8");
  } catch (cause) {
    throw new Refusal(`The key file ${file} cannot be read.`, {
      reason: "key_missing",
      action: "Check its path; a lost key comes from your backup only.",
      cause,
    });
  }
  if (process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0)
    throw new Refusal(`Other users of this machine can read ${file}.`, {
      reason: "key_permissions",
      action: "Run `chmod 600` on it; if the machine is shared, make new keys.",
    });
  const locked = pem.includes("ENCRYPTED") ? passphrase() : null;
  let key: KeyObject;
  try {
    key = openPublisherKey(pem, locked);
  } catch (cause) {
    if (locked !== null) throw cause;
    throw new Refusal(`The key file ${file} cannot be used: it holds no private Ed25519 key.`, {
      reason: "key_invalid",
      action: "Name the private key, not the `.pub` file; restore a damaged one from your backup.",
      cause,
    });
  }
  const { keyId, publicKey } = fromKeyObject(createPublicKey(key));
  return {
    keyId,
    tuf: tufKey(publicKey, keyId),
    sign: (bytes) => new Signature({ keyID: keyId, sig: sign(null, bytes, key).toString("hex") }),
    file,
  };
}

/** @param raw  32 bytes */
export function tufKey(raw: Uint8Array, keyId: string): Key {
  return new Key({ keyID: keyId, keyType: "ed25519", scheme: "ed25519", keyVal: { public: Buffer.from(raw).toString("hex") } });
}

/** Mode 0600, in a folder that only its owner may enter; never over a file that is there. */
export function createKeyFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync("ed25519");
  const fd = openSync(file, "wx", 0o600);
  try {
    writeSync(fd, privateKey.export({ type: "pkcs8", format: "pem" }));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
