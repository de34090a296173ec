import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { decodeBase64url, encodeBase64url, HnError, syncFolder, writeFileAtomic } from "../../foundation/index.ts";
import { Signer } from "../sign/signer.ts";
import { type TlsIdentity, tlsContext } from "../tls/certificate.ts";
import { importSeed } from "./seed.ts";

const PRIVATE = "device.ed25519";
const PUBLIC = "device.pub";

export interface Keystore {
  nodeId: string;
  signer: Signer;
  /** Key and certificate for the listener; the certificate is kept in `<data>/tls`. */
  tls(): Promise<TlsIdentity>;
}

/**
 * Opens the device key, or makes it on the first start.
 * @param dataDir  the node's data folder
 * @throws internal_error keys_invalid | keys_permissions
 * @source 01 §1, I-1
 */
export function openKeystore(dataDir: string): Keystore {
  const folder = join(dataDir, "keys");
  const path = join(folder, PRIVATE);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(path)) createSeed(folder, path);
  checkModes(folder, path);
  const seed = readSeed(path);
  const { nodeId, key } = importSeed(seed);
  seed.fill(0);
  const publicText = `${nodeId}\n`;
  const publicPath = join(folder, PUBLIC);
  // Informational only, and always recomputed: a changed file can mislead nobody but its reader.
  if (!existsSync(publicPath) || readFileSync(publicPath, "utf8") !== publicText)
    writeFileAtomic(publicPath, publicText, { mode: 0o644 });
  return { nodeId, signer: new Signer(nodeId, key), tls: () => tlsContext({ dataDir, nodeId, key }) };
}

/** Written whole under another name, then linked: two starts at once cannot overwrite each other's key. */
function createSeed(folder: string, path: string): void {
  const temporary = join(folder, `.new-${randomBytes(8).toString("hex")}`);
  const seed = randomBytes(32);
  const fd = openSync(temporary, "wx", 0o600);
  try {
    writeSync(fd, `${encodeBase64url(seed)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
    seed.fill(0);
  }
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  syncFolder(folder);
}

function checkModes(folder: string, path: string): void {
  if (process.platform === "win32") return;
  if ((statSync(path).mode & 0o077) !== 0 || (statSync(folder).mode & 0o022) !== 0)
    throw new HnError("internal_error", { reason: "keys_permissions" });
}

/** Raw 32 bytes, or the text form that the Python node can load too. */
function readSeed(path: string): Uint8Array {
  const bytes = readFileSync(path);
  if (bytes.byteLength === 32) return bytes;
  try {
    const text = bytes.toString("utf8").trim();
    return Buffer.from(decodeBase64url(text, 32));
  } catch (cause) {
    throw new HnError("internal_error", { reason: "keys_invalid", cause });
  }
}
