/** What comes from the disk is what was put there, or it is not there. @source 30 §4.2 */
import type { Hasher } from "../cid/blake3.ts";
import { hexOf } from "../cid/blake3.ts";
import { CHUNK_BYTES, readManifest, type Manifest } from "../cid/manifest.ts";
import type { ChunkFiles } from "./files.ts";
import type { BlobRecord, ChunkRecord, Rows } from "./rows.ts";
import type { Transactions } from "./transactions.ts";
import type { Label, Vault } from "./vault.ts";

/** What the parts of the store share. */
export interface Parts {
  rows: Rows;
  tx: Transactions;
  files: ChunkFiles;
  vault: Vault;
  hasher: Hasher;
  /** Unix milliseconds. */
  now: () => number;
  /** Something was found damaged and put into quarantine. */
  onDamage: (what: "chunk" | "manifest", name: string) => void;
}

/** Descriptions in memory: whoever reads a blob in pieces asks for its own each time. */
const MANIFESTS_KEPT = 8;

export class Reading {
  readonly #o: Parts;
  readonly #manifests = new Map<string, Manifest>();

  constructor(parts: Parts) {
    this.#o = parts;
  }

  /** Null when it is not here, or was damaged: then it counts as missing from now on. @throws capacity_exceeded reason locked */
  async chunk(row: ChunkRecord, cid: string): Promise<Uint8Array | null> {
    const { files, vault, hasher, rows } = this.#o;
    let stored: Uint8Array | null;
    try {
      stored = await files.read(row.name, "bin");
    } catch {
      // Whatever a disk says of a block that it cannot read.
      stored = new Uint8Array(CHUNK_BYTES + 1);
    }
    const bytes = stored === null ? null : vault.unpackChunk(cid, row.sealed === 1, stored);
    if (bytes !== null && bytes.byteLength === row.size_bytes && hasher.hex(bytes) === hexOf(cid)) return bytes;
    // It may have been moved into its other form meanwhile.
    const now = rows.get<ChunkRecord>("SELECT * FROM chunk WHERE id = ?", row.id);
    if (now === undefined || now.held === 0) return null;
    if (now.name !== row.name) return this.chunk(now, cid);
    this.#damagedChunk(row);
    return null;
  }

  /** Null when it cannot be read now, and of what has no id yet. */
  label({ name, sealed, staged, label }: BlobRecord): Label | null {
    if (staged === 1) return null;
    return this.#o.vault.unpackLabel(name, sealed === 1, label);
  }

  /** With the names that this blob goes by. Null as for `chunk`. @throws capacity_exceeded reason locked */
  async manifest(blob: BlobRecord, cid: string): Promise<Manifest | null> {
    const known = this.#manifests.get(cid) ?? (await this.#readManifest(blob, cid));
    if (known === null) return null;
    this.#manifests.delete(cid);
    this.#manifests.set(cid, known);
    for (const old of [...this.#manifests.keys()].slice(0, -MANIFESTS_KEPT)) this.#manifests.delete(old);
    const { mime_type, filename } = this.label(blob) ?? {};
    return { ...known, ...(mime_type === undefined ? {} : { mime_type }), ...(filename === undefined ? {} : { filename }) };
  }

  forget(cid: string): void {
    this.#manifests.delete(cid);
  }

  async #readManifest(blob: BlobRecord, cid: string): Promise<Manifest | null> {
    const { files, vault, hasher, rows } = this.#o;
    const stored = await files.read(blob.name, "manifest.json").catch(() => new Uint8Array(0));
    const bytes = stored === null ? null : vault.unpackManifest(cid, blob.sealed === 1, stored);
    const manifest = bytes === null ? null : parsed(hasher, bytes);
    if (manifest?.cid === cid) return manifest;
    const now = rows.blob(blob.id);
    if (now === undefined) return null;
    if (now.name !== blob.name) return this.#readManifest(now, cid);
    this.#damagedManifest(blob);
    return null;
  }

  #damagedChunk({ id, name }: ChunkRecord): void {
    const { tx, rows, files, onDamage } = this.#o;
    tx.run(() => {
      rows.run("UPDATE chunk SET held = 0 WHERE id = ?", id);
      rows.run("UPDATE blob SET complete = 0 WHERE id IN (SELECT blob_id FROM part WHERE chunk_id = ?)", id);
      rows.run("UPDATE part SET ready = 0 WHERE chunk_id = ?", id);
      files.quarantine(name, "bin");
    });
    onDamage("chunk", name);
  }

  /** Without its description nobody knows what its chunks belong to: it has to be brought here anew. */
  #damagedManifest({ name }: BlobRecord): void {
    const { tx, rows, files, onDamage } = this.#o;
    tx.run(() => {
      rows.run("UPDATE blob SET complete = 0 WHERE name = ?", name);
      files.quarantine(name, "manifest.json");
    });
    onDamage("manifest", name);
  }
}

/** Null for anything but a description that holds. */
function parsed(hasher: Hasher, bytes: Uint8Array): Manifest | null {
  try {
    return readManifest(hasher, JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return null;
  }
}

/** As it lies on the disk: what the id vouches for, and nothing else. */
export function manifestBytes({ cid, size_bytes, chunk_size_bytes, chunks }: Manifest): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ cid, size_bytes, chunk_size_bytes, chunks }));
}
