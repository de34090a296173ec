import { createHash, type KeyObject } from "node:crypto";
import { canonicalBytes } from "../../identity/index.ts";
import { signDsse } from "../dsse/envelope.ts";
import { requireManifest } from "../manifest/check.ts";
import { compress } from "./gzip.ts";
import { checkEntryName } from "./names.ts";
import { encodeEntry, TAR_END } from "./ustar.ts";

export const MANIFEST_FILE = "hearthnet.plugin.json";
export const FILES_FILE = "files.json";
export const SIGNATURE_FILE = "sig/publisher.dsse.json";

/** Files that no list names: the list itself, the signature over it, and what third parties attest. Anything else that is not listed was added. */
export function standsBesideList(path: string): boolean {
  return path === FILES_FILE || path === SIGNATURE_FILE || /^attest\/[^/]+\.intoto\.jsonl$/.test(path);
}

export interface PackageFile {
  bytes: Uint8Array;
  /** Default 0644. */
  mode?: 0o644 | 0o755;
}

/** One row of `files.json`. */
export interface FileRow {
  path: string;
  size: number;
  mode: number;
  sha256: string;
}

export interface WrittenPackage {
  bytes: Uint8Array;
  sha256: string;
  /** Of the uncompressed archive: what a rebuild reproduces on any zlib. */
  tarSha256: string;
}

/**
 * Builds a `.hnp`: same files and key, same bytes.
 * @param files  by path; the manifest among them, `files.json` and `sig/` not
 * @param key    publisher's private key; absent: an unsigned package, which no node installs
 * @throws bad_request manifest_invalid | archive_path
 * @source marketplace §1
 */
export function writePackage(files: ReadonlyMap<string, PackageFile>, key?: KeyObject): WrittenPackage {
  const all = new Map(files);
  const manifestBytes = all.get(MANIFEST_FILE)?.bytes ?? new Uint8Array(0);
  const manifest = requireManifest(manifestBytes);
  const rows: FileRow[] = [...all.keys()].sort(byBytes).map((path) => {
    const { bytes, mode } = all.get(path) as PackageFile;
    checkEntryName(path);
    return { path, size: bytes.byteLength, mode: mode ?? 0o644, sha256: sha256Hex(bytes) };
  });
  const filesBytes = canonicalBytes(rows);
  all.set(FILES_FILE, { bytes: filesBytes });
  if (key !== undefined) {
    const unpackedBytes = rows.reduce((sum, row) => sum + row.size, 0);
    all.set(SIGNATURE_FILE, {
      bytes: signDsse(
        {
          id: manifest.id,
          version: manifest.version,
          manifestSha256: sha256Hex(manifestBytes),
          filesSha256: sha256Hex(filesBytes),
          entries: rows.length,
          unpackedBytes,
        },
        key,
      ),
    });
  }
  const tar = Buffer.concat([
    ...[...all.keys()].sort(byBytes).flatMap((path) => {
      const { bytes, mode } = all.get(path) as PackageFile;
      return encodeEntry({ path, mode: mode ?? 0o644, size: bytes.byteLength }, bytes);
    }),
    TAR_END,
  ]);
  const packed = compress(tar);
  return { bytes: packed, sha256: sha256Hex(packed), tarSha256: sha256Hex(tar) };
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
