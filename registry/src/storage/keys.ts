import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fromKeyObject } from "@hearthnet/host/format";
import { Key, Signature } from "@tufjs/models";
import { RegistryError } from "../refusal.ts";

/** A key of one role. The private half stays in this object. */
export interface RoleKey {
  /** SHA-256 of the SPKI, hex; the same name as in a package's signature. */
  keyId: string;
  tuf: Key;
  sign(bytes: Buffer): Signature;
  /** For the package signature, which is made elsewhere. */
  file: string;
}

/**
 * Opens a role's key, or makes it when it is missing: PKCS#8, mode 0600, in a folder of its own.
 * @throws RegistryError key_permissions | key_invalid
 */
export function openRoleKey(folder: string, name: string): RoleKey {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${name}.key`);
  if (!existsSync(file)) createKeyFile(file);
  if (process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0)
    throw new RegistryError(`Other users of this machine can read ${file}.`, {
      reason: "key_permissions",
      action: `Run \`chmod 600\` on it; if the machine is shared, make new keys.`,
    });
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(file, "utf8").trim());
    if (key.asymmetricKeyType !== "ed25519") throw new Error("not Ed25519");
  } catch (cause) {
    throw new RegistryError(`The key file ${file} cannot be used.`, {
      reason: "key_invalid",
      action: "Restore it from your backup. Without it this role cannot sign any more.",
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

function createKeyFile(file: string): void {
  const { privateKey } = generateKeyPairSync("ed25519");
  const fd = openSync(file, "wx", 0o600);
  try {
    writeSync(fd, privateKey.export({ type: "pkcs8", format: "pem" }));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
