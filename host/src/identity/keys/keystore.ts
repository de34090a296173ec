import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import {
  decodeBase64url,
  encodeBase64url,
  HnError,
  readFileBounded,
  syncFolder,
  writeFileAtomic,
} from "../../foundation/index.ts";
import { Signer } from "../sign/signer.ts";
import { type TlsIdentity, tlsContext } from "../tls/certificate.ts";
import { importSeed } from "./seed.ts";

const PRIVATE = "device.ed25519";
const PUBLIC = "device.pub";
const SEED_BYTES = 32;
const SEED_FILE_MAX_BYTES = 256;

export interface Keystore {
  nodeId: string;
  signer: Signer;
  /** Key and certificate for the listener; the certificate is kept in `<data>/tls`. */
  tls(): Promise<TlsIdentity>;
}

/**
 * Opens the device key, or makes it on the first start.
 * @param dataDir  the node's data folder
 * @param o.create  false: a missing key is an error instead
 * @throws not_found keys_missing · internal_error keys_invalid | keys_permissions
 * @source 01 §1, I-1
 */
export function openKeystore(dataDir: string, o: { create?: boolean } = {}): Keystore {
  const folder = join(dataDir, "keys");
  const path = join(folder, PRIVATE);
  if (!existsSync(path)) {
    if (o.create === false) throw new HnError("not_found", { reason: "keys_missing" });
    createSeed(folder, path);
  }
  const seed = readSeed(folder, path);
  const { nodeId, key } = importSeed(seed);
  seed.fill(0);
  publish(join(folder, PUBLIC), `${nodeId}\n`);
  return { nodeId, signer: new Signer(nodeId, key), tls: () => tlsContext({ dataDir, nodeId, key }) };
}

/** Written whole under another name, then put in place: a crash leaves no half key, two starts at once cannot overwrite each other's. */
function createSeed(folder: string, path: string): void {
  const seed = randomBytes(SEED_BYTES);
  const temporary = join(folder, `.new-${randomBytes(8).toString("hex")}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const fd = openSync(temporary, "wx", 0o600);
    try {
      writeSync(fd, `${encodeBase64url(seed)}\n`);
      fsyncSync(fd);
      place(temporary, path);
      syncFolder(folder);
    } finally {
      closeSync(fd);
      rmSync(temporary, { force: true });
    }
  } catch (cause) {
    throw new HnError("internal_error", {
      message: "The key of this node could not be written.",
      action: "Check that the data folder belongs to this user, is writable and has space.",
      cause,
    });
  } finally {
    seed.fill(0);
  }
}

/** A link never replaces a file; memory sticks and some network folders know no links, there the rename must do. */
function place(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST" || existsSync(path)) return;
    renameSync(temporary, path);
  }
}

/** Raw 32 bytes, or the text form that the Python node can load too. */
function readSeed(folder: string, path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    if (process.platform !== "win32" && ((statSync(path).mode & 0o077) !== 0 || (statSync(folder).mode & 0o022) !== 0))
      throw new HnError("internal_error", { reason: "keys_permissions" });
    bytes = readFileBounded(path, SEED_FILE_MAX_BYTES);
    if (bytes.byteLength === SEED_BYTES) return bytes;
    return decodeBase64url(Buffer.from(bytes).toString("latin1").trim(), SEED_BYTES);
  } catch (cause) {
    if (HnError.isHnError(cause) && cause.reason === "keys_permissions") throw cause;
    throw new HnError("internal_error", { reason: "keys_invalid", cause });
  }
}

/** Informational only, and always recomputed: a changed file can mislead nobody but its reader, a folder that cannot be written stops nobody. */
function publish(path: string, text: string): void {
  try {
    if (!existsSync(path) || Buffer.from(readFileBounded(path, SEED_FILE_MAX_BYTES)).toString("utf8") !== text)
      writeFileAtomic(path, text, { mode: 0o644 });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "EACCES" && code !== "EROFS" && code !== "EPERM") throw error;
  }
}
