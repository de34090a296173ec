import { createHash, type Hash } from "node:crypto";
import { CONSTANTS, type PluginManifest } from "../../contract/index.ts";
import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { type PackagePayload, verifyDsse } from "../dsse/envelope.ts";
import type { PublisherKey } from "../dsse/publisher-key.ts";
import { canonicalBytes } from "../../identity/index.ts";
import { requireManifest } from "../manifest/check.ts";
import { isDevId } from "../manifest/dev.ts";
import { decompress } from "./gzip.ts";
import { isMachineCode, MAGIC_BYTES } from "./machine-code.ts";
import { checkEntryName, foldName } from "./names.ts";
import { byBytes, type FileRow, FILES_FILE, MANIFEST_FILE, sha256Hex, SIGNATURE_FILE, standsBesideList } from "./write.ts";
import { type TarEntry, UstarReader } from "./ustar.ts";

/** Where the files go while they are read; absent: nowhere. */
export interface PackageSink {
  open(entry: TarEntry): void;
  write(chunk: Uint8Array): void;
  close(): void;
}

/** A package that fits its own lists; whether anyone trusted signed it is `verifyPackage`'s matter. */
export interface ReadPackage {
  manifest: PluginManifest;
  sha256: string;
  tarSha256: string;
  rows: FileRow[];
  signature: Uint8Array | null;
  /** Paths of what the operating system would load or run; whether that may be is `checkMachineCode`'s matter. */
  machineCode: string[];
  packedBytes: number;
  unpackedBytes: number;
}

interface Seen {
  row: FileRow;
  head: Buffer;
  content: Buffer | null;
}

/** Entries whose content is needed here, with how much of it is kept at most. */
const KEPT: ReadonlyMap<string, number> = new Map([
  [MANIFEST_FILE, CONSTANTS.MANIFEST_FILE_MAX_BYTES],
  [FILES_FILE, 4_194_304],
  [SIGNATURE_FILE, 65_536],
]);

/**
 * Reads a `.hnp` in one pass over its bytes: archive rules, every file against `files.json`, manifest.
 * @param sink  receives the files; on any error the caller deletes what it wrote
 * @throws bad_request damaged | archive_path | archive_limits | manifest_invalid · invalid_signature tampered
 * @source marketplace §1
 */
export async function readPackage(bytes: Uint8Array, sink?: PackageSink): Promise<ReadPackage> {
  const seen = new Map<string, Seen>();
  const folded = new Set<string>();
  const tarHash = createHash("sha256");
  let current: { entry: TarEntry; hash: Hash; head: Buffer; kept: Buffer[] | null } | null = null;
  let last = "";
  const reader = new UstarReader({
    entry: (entry) => {
      checkEntryName(entry.path);
      checkParents(entry.path, folded);
      if (seen.size >= CONSTANTS.PACKAGE_MAX_ENTRIES)
        throw new HnError("bad_request", { reason: "archive_limits", message: "The package holds more than 5000 files." });
      if (last !== "" && byBytes(last, entry.path) >= 0)
        throw new HnError("bad_request", {
          reason: "archive_path",
          message: "The files in the package are out of order or stand there twice.",
        });
      last = entry.path;
      const limit = KEPT.get(entry.path);
      if (limit !== undefined && entry.size > limit)
        throw new HnError("bad_request", { reason: "archive_limits", message: `The file ${entry.path} is too large.` });
      current = { entry, hash: createHash("sha256"), head: Buffer.alloc(0), kept: limit === undefined ? null : [] };
      sink?.open(entry);
    },
    data: (chunk) => {
      current?.hash.update(chunk);
      if (current !== null && current.head.byteLength < MAGIC_BYTES)
        current.head = Buffer.concat([current.head, chunk.subarray(0, MAGIC_BYTES)]);
      current?.kept?.push(Buffer.from(chunk));
      sink?.write(chunk);
    },
    entryEnd: () => {
      if (current === null) return;
      const { entry, hash, head, kept } = current;
      seen.set(entry.path, {
        head,
        row: { path: entry.path, size: entry.size, mode: entry.mode, sha256: hash.digest("hex") },
        content: kept === null ? null : Buffer.concat(kept),
      });
      current = null;
      sink?.close();
    },
  });
  const unpackedBytes = await decompress(bytes, (chunk) => {
    tarHash.update(chunk);
    reader.push(chunk);
  });
  reader.end();
  const rows = compareWithList(seen);
  const manifest = requireManifest(new Uint8Array(seen.get(MANIFEST_FILE)?.content ?? Buffer.alloc(0)));
  checkNamedFiles(manifest, seen);
  return {
    manifest,
    sha256: sha256Hex(bytes),
    tarSha256: tarHash.digest("hex"),
    rows,
    signature: seen.get(SIGNATURE_FILE)?.content ?? null,
    machineCode: [...seen.values()].flatMap(({ row, head }) => (isMachineCode(row.path, head) ? row.path : [])),
    packedBytes: bytes.byteLength,
    unpackedBytes,
  };
}

/** Neither two names that one file system folds together, nor a file that is also somebody's folder. */
function checkParents(path: string, folded: Set<string>): void {
  const name = foldName(path);
  if (folded.has(name) || folded.has(`${name}/`))
    throw new HnError("bad_request", {
      reason: "archive_path",
      message: "Two files in the package would be one on some systems.",
    });
  folded.add(name);
  for (let cut = name.indexOf("/"); cut >= 0; cut = name.indexOf("/", cut + 1)) {
    if (folded.has(name.slice(0, cut)))
      throw new HnError("bad_request", { reason: "archive_path", message: "A file in the package is also a folder." });
    folded.add(`${name.slice(0, cut)}/`);
  }
}

function compareWithList(seen: Map<string, Seen>): FileRow[] {
  const list = seen.get(FILES_FILE)?.content;
  if (list === undefined || list === null) throw tampered("the list of its files is missing");
  let rows: FileRow[];
  try {
    rows = parseStrictJson(new Uint8Array(list), { maxBytes: 4_194_304, maxDepth: 3 }) as unknown as FileRow[];
    if (!Array.isArray(rows)) throw new Error("no list");
  } catch (cause) {
    throw new HnError("invalid_signature", { reason: "tampered", message: "The package's list of files cannot be read.", cause });
  }
  const listed = new Map(rows.map((row) => [row.path, row]));
  if (listed.size !== rows.length) throw tampered("its list names a file twice");
  for (const { row } of seen.values()) {
    if (standsBesideList(row.path)) continue;
    const expected = listed.get(row.path);
    if (expected === undefined) throw tampered(`the file ${row.path} is not in its list`);
    if (expected.size !== row.size || expected.mode !== row.mode || expected.sha256 !== row.sha256)
      throw tampered(`the file ${row.path} differs from its list`);
    listed.delete(row.path);
  }
  const missing = listed.keys().next();
  if (missing.done !== true) throw tampered(`the file ${missing.value} is missing`);
  return rows;
}

/** What the manifest points to must be there. @source plugin-platform §2.2 */
function checkNamedFiles(m: PluginManifest, seen: Map<string, Seen>): void {
  const named = [
    m.entry.main,
    m.entry.panel,
    m.icon,
    ...(m.contributes.capabilities ?? []).flatMap((c) => [c.request, c.response, c.stream, c.params]),
    ...(m.contributes.workers ?? []).map(({ entry, exec }) => entry ?? (exec?.asset === undefined ? exec?.path : undefined)),
    ...(m.contributes.panels ?? []).map((p) => p.entry),
  ];
  for (const path of named)
    if (path !== undefined && path !== null && !seen.has(path))
      throw new HnError("bad_request", {
        reason: "manifest_invalid",
        message: `The manifest names ${path}, which the package does not hold.`,
      });
}

export interface VerifyOptions {
  /** Keys that may sign for this namespace. */
  keys: readonly PublisherKey[];
  /** From the registry's signed metadata. */
  expected?: { sha256: string; id: string; version: string };
  sink?: PackageSink;
}

export interface VerifiedPackage extends ReadPackage {
  keyId: string;
}

/**
 * The whole judgement over a package: transport, archive, every file, publisher.
 * @throws with exactly one class of marketplace §5.1 as reason
 */
export async function verifyPackage(bytes: Uint8Array, o: VerifyOptions): Promise<VerifiedPackage> {
  if (o.expected !== undefined && sha256Hex(bytes) !== o.expected.sha256) throw new HnError("bad_request", { reason: "damaged" });
  const read = await readPackage(bytes, o.sink);
  if (isDevId(read.manifest.id)) throw new HnError("bad_request", { reason: "dev_release" });
  if (read.signature === null) throw new HnError("invalid_signature", { reason: "unsigned" });
  const { payload, keyId } = verifyDsse(read.signature, o.keys);
  checkStatement(payload, read);
  if (o.expected !== undefined && (o.expected.id !== read.manifest.id || o.expected.version !== read.manifest.version))
    throw tampered("it is another plugin or version than the catalogue says");
  return { ...read, keyId };
}

function checkStatement(payload: PackagePayload, read: ReadPackage): void {
  const { manifest, rows } = read;
  const manifestRow = rows.find((row) => row.path === MANIFEST_FILE);
  const filesSha256 = sha256Hex(canonicalBytes(rows));
  const fits =
    payload.id === manifest.id &&
    payload.version === manifest.version &&
    payload.manifestSha256 === manifestRow?.sha256 &&
    payload.filesSha256 === filesSha256 &&
    payload.entries === rows.length &&
    payload.unpackedBytes === rows.reduce((sum, row) => sum + row.size, 0);
  if (!fits) throw tampered("its content is not what the publisher signed");
}

function tampered(what: string): HnError {
  return new HnError("invalid_signature", {
    reason: "tampered",
    message: `The package was changed after it was signed: ${what}.`,
  });
}
