import { argon2, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import sodium from "libsodium-wrappers";
import type { Time } from "../../contract/index.ts";
import { decodeBase64url, encodeBase64url, HnError, parseStrictJson } from "../../foundation/index.ts";
import { canonicalBytes } from "../canonical/write.ts";
import { Signer } from "../sign/signer.ts";
import { importSeed } from "./seed.ts";

const derive = promisify(argon2);
const COST = { memoryKiB: 65_536, passes: 3, parallelism: 1 };
const HEADLINE = "HearthNet community root key. Keep this file offline, and its passphrase somewhere else.";
const FILE_MAX_BYTES = 8192;
export const PASSPHRASE_MIN_CHARACTERS = 12;

/** The community's root key, in memory for as long as one act needs it. */
export class RootKey extends Signer {
  readonly #seed: Uint8Array;

  constructor(seed: Uint8Array) {
    const { nodeId, key } = importSeed(seed);
    super(nodeId, key);
    this.#seed = seed;
  }

  /** @internal for `exportRootKey` */
  exposeSeed(): Uint8Array {
    return this.#seed;
  }

  override destroy(): void {
    this.#seed.fill(0);
    super.destroy();
  }
}

/** @source 01 I-11 */
export function createRootKey(): RootKey {
  return new RootKey(randomBytes(32));
}

/**
 * The offline file: argon2id over the passphrase, XChaCha20-Poly1305 over the seed, the readable header authenticated with it.
 * @throws bad_request when the passphrase is shorter than 12 characters
 * @source 01 I-11
 */
export async function exportRootKey(
  root: RootKey,
  o: { passphrase: string; communityName: string; createdAt: Time },
): Promise<string> {
  if ([...o.passphrase].length < PASSPHRASE_MIN_CHARACTERS)
    throw new HnError("bad_request", {
      reason: "password_weak",
      message: "The passphrase for the root key needs at least 12 characters.",
      paths: ["/community/root_passphrase"],
    });
  await sodium.ready;
  const salt = randomBytes(16);
  const nonce = randomBytes(sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
  const header = {
    v: 1,
    community_id: root.nodeId,
    community_name: o.communityName,
    created_at: o.createdAt,
    kdf: { name: "argon2id", salt: encodeBase64url(salt), ...COST },
    nonce: encodeBase64url(nonce),
  };
  const key = await keyOf(o.passphrase, { salt, ...COST });
  const sealed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(root.exposeSeed(), canonicalBytes(header), null, nonce, key);
  key.fill(0);
  return `${HEADLINE}\n${JSON.stringify({ ...header, sealed: encodeBase64url(sealed) }, null, 2)}\n`;
}

interface RootKeyFile {
  v: number;
  kdf: { name: string; salt: string; memoryKiB: number; passes: number; parallelism: number };
  nonce: string;
  sealed: string;
}

/** @throws bad_request when the file is none · unauthorized passphrase_wrong */
export async function importRootKey(text: string, passphrase: string): Promise<RootKey> {
  await sodium.ready;
  const start = text.indexOf("{");
  const file = parseStrictJson(start < 0 ? "" : text.slice(start), {
    maxBytes: FILE_MAX_BYTES,
    maxDepth: 4,
  }) as unknown as RootKeyFile;
  const { sealed, ...header } = file;
  const cost = file.kdf;
  // A file from elsewhere must not make us spend a gigabyte of memory.
  const sane =
    file.v === 1 &&
    cost?.name === "argon2id" &&
    cost.memoryKiB <= 262_144 &&
    cost.passes <= 10 &&
    cost.parallelism === 1 &&
    cost.memoryKiB >= 1024 &&
    cost.passes >= 1;
  if (!sane) throw new HnError("bad_request", { message: "This is not a HearthNet root key file." });
  const key = await keyOf(passphrase, { ...cost, salt: decodeBase64url(cost.salt) });
  try {
    return new RootKey(
      sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        null,
        decodeBase64url(sealed),
        canonicalBytes(header),
        decodeBase64url(file.nonce),
        key,
      ),
    );
  } catch (cause) {
    throw new HnError("unauthorized", { reason: "passphrase_wrong", cause });
  } finally {
    key.fill(0);
  }
}

function keyOf(
  passphrase: string,
  o: { salt: Uint8Array; memoryKiB: number; passes: number; parallelism: number },
): Promise<Buffer> {
  return derive("argon2id", {
    message: Buffer.from(passphrase.normalize("NFC"), "utf8"),
    nonce: o.salt,
    parallelism: o.parallelism,
    tagLength: 32,
    memory: o.memoryKiB,
    passes: o.passes,
  });
}
