import { argon2, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import sodium from "libsodium-wrappers";
import type { NodeId, Time } from "../../contract/index.ts";
import { decodeBase64url, encodeBase64url, HnError, parseStrictJson } from "../../foundation/index.ts";
import { canonicalBytes } from "../canonical/write.ts";
import { isNodeId } from "../node-id.ts";
import { Signer } from "../sign/signer.ts";
import { importSeed } from "./seed.ts";

const derive = promisify(argon2);
const COST = { memoryKiB: 65_536, passes: 3, parallelism: 1 };
const HEADLINE = "HearthNet community root key. Keep this file offline, and its passphrase somewhere else.";
const FILE_MAX_BYTES = 8192;
const SALT_BYTES = 16;
const SEED_BYTES = 32;
export const PASSPHRASE_MIN_CHARACTERS = 12;

/** Seeds of the root keys in use: reachable from `exportRootKey` alone. */
const seeds: WeakMap<RootKey, Uint8Array> = new WeakMap();

/** The community's root key, in memory for as long as one act needs it. */
export class RootKey extends Signer {
  constructor(seed: Uint8Array) {
    const { nodeId, key } = importSeed(seed);
    super(nodeId, key);
    seeds.set(this, seed);
  }

  override destroy(): void {
    seeds.get(this)?.fill(0);
    seeds.delete(this);
    super.destroy();
  }
}

/** @source 01 I-11 */
export function createRootKey(): RootKey {
  return new RootKey(randomBytes(SEED_BYTES));
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
  const seed = seeds.get(root);
  if (seed === undefined) throw new Error("the root key was destroyed before it was exported");
  await sodium.ready;
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
  const header = {
    v: 1,
    community_id: root.nodeId,
    community_name: o.communityName,
    created_at: o.createdAt,
    kdf: { name: "argon2id", salt: encodeBase64url(salt), ...COST },
    nonce: encodeBase64url(nonce),
  };
  const associated = canonicalBytes(header);
  const key = await keyOf(o.passphrase, { salt, ...COST });
  const sealed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(seed, associated, null, nonce, key);
  key.fill(0);
  return `${HEADLINE}\n${JSON.stringify({ ...header, sealed: encodeBase64url(sealed) }, null, 2)}\n`;
}

interface RootKeyFile {
  v: number;
  community_id: NodeId;
  kdf: { name: string; salt: string; memoryKiB: number; passes: number; parallelism: number };
  nonce: string;
  sealed: string;
}

/**
 * Opens the offline file.
 * @throws bad_request when the text is no such file · unauthorized passphrase_wrong
 * @source 01 I-11
 */
export async function importRootKey(text: string, passphrase: string): Promise<RootKey> {
  await sodium.ready;
  const file = readFile(text);
  const { sealed, ...header } = file;
  const key = await keyOf(passphrase, { ...file.kdf, salt: decodeBase64url(file.kdf.salt) });
  let root: RootKey;
  try {
    const nonce = decodeBase64url(file.nonce);
    root = new RootKey(
      sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, decodeBase64url(sealed), canonicalBytes(header), nonce, key),
    );
  } catch (cause) {
    throw new HnError("unauthorized", { reason: "passphrase_wrong", cause });
  } finally {
    key.fill(0);
  }
  if (root.nodeId === file.community_id) return root;
  root.destroy();
  throw notAKeyFile();
}

/** Everything that could make the derivation throw or run for minutes is refused before it starts. */
function readFile(text: string): RootKeyFile {
  const start = text.indexOf("{");
  if (start < 0 || text.length > FILE_MAX_BYTES) throw notAKeyFile();
  try {
    const file = parseStrictJson(text.slice(start), { maxBytes: FILE_MAX_BYTES, maxDepth: 4 }) as unknown as RootKeyFile;
    const { kdf } = file;
    const within = (n: unknown, min: number, max: number): boolean =>
      Number.isInteger(n) && (n as number) >= min && (n as number) <= max;
    const sane =
      file.v === 1 &&
      isNodeId(file.community_id) &&
      kdf.name === "argon2id" &&
      within(kdf.memoryKiB, 1024, 262_144) &&
      within(kdf.passes, 1, 10) &&
      kdf.parallelism === 1;
    if (!sane) throw notAKeyFile();
    decodeBase64url(kdf.salt, SALT_BYTES);
    decodeBase64url(file.nonce, sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
    decodeBase64url(file.sealed, SEED_BYTES + sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES);
    return file;
  } catch (cause) {
    throw notAKeyFile(cause);
  }
}

function notAKeyFile(cause?: unknown): HnError {
  return new HnError("bad_request", {
    message: "This is not a HearthNet root key file, or it was altered.",
    action: "Choose the file that was saved when the community was founded, whole and unchanged.",
    cause,
  });
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
