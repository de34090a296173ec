/** A stream whose id is known when it ends: its chunks are stored as they come, under a name of their own until then. @source plugin-platform §3.3 */
import { randomBytes } from "node:crypto";
import { chunksOf } from "../cid/chunks.ts";
import { CHUNKS_MAX, makeManifest, type Chunk, type Manifest } from "../cid/manifest.ts";
import { memberQuotaFull, refuse } from "../refusal.ts";
import { storeChunk } from "./incoming.ts";
import { manifestBytes, type Parts } from "./reading.ts";
import type { BlobRecord, ChunkRecord } from "./rows.ts";
import { sweepUnused } from "./removal.ts";
import type { Reserved, Space } from "./space.ts";
import type { BlobFacts } from "./types.ts";
import { insertBlob, type NewBlob } from "./insert.ts";
import type { Label } from "./vault.ts";

/** Chunks on their way to the disk at once: each waits for it. */
const WRITES = 4;

export async function takeIn(
  parts: Parts,
  o: {
    source: AsyncIterable<Uint8Array>;
    facts: BlobFacts & { mime_type?: string; filename?: string };
    space: Space;
    maxBytes: number;
    /** Of a member alone. */
    quotaBytes: number;
  },
): Promise<Manifest> {
  const { rows, tx, vault, hasher } = parts;
  const sealed = vault.seals(o.facts.visibility);
  const draft: NewBlob = {
    name: randomBytes(32).toString("hex"),
    sealed,
    staged: true,
    facts: o.facts,
    chunkCount: 0,
    sizeBytes: 0,
  };
  // Nothing can be made of it when the store is locked: asked now, not at the end.
  vault.packLabel(draft.name, sealed, { cid: "" });
  const { owner = null } = o.facts;
  const left = owner === null ? Infinity : o.quotaBytes - rows.ownedBytes(owner);
  const blobId = tx.run(() => insertBlob(parts, draft, new Uint8Array(0)));
  const chunks: Chunk[] = [];
  let size = 0;
  const rooms = new Set<Reserved>();
  const writing: Promise<void>[] = [];
  try {
    for await (const bytes of chunksOf(o.source)) {
      size += bytes.byteLength;
      if (size > o.maxBytes || chunks.length === CHUNKS_MAX)
        throw refuse(
          "too_large",
          "The file is larger than this node takes. Split it, or raise the limit in the plugin's settings.",
        );
      if (size > left) throw memberQuotaFull();
      const cid = hasher.cid(bytes);
      const room = await o.space.keep(rows.chunk(vault.names(cid))?.held === 1 ? 0 : bytes.byteLength);
      rooms.add(room);
      const i = chunks.push({ cid, size_bytes: bytes.byteLength }) - 1;
      tx.run(() => addPart(parts, { blobId, i, cid, sealed, sizeBytes: bytes.byteLength }));
      writing.push(storeNext({ blobId, i, cid, bytes, room }));
      if (writing.length >= WRITES) await writing.shift();
    }
    await Promise.all(writing);
    const manifest = makeManifest(hasher, chunks, o.facts);
    await settleName(parts, { blobId, manifest, facts: o.facts, sealed });
    return manifest;
  } catch (error) {
    await Promise.allSettled(writing);
    tx.run(() => rows.run("DELETE FROM blob WHERE id = ? AND staged = 1", blobId));
    await sweepUnused(parts);
    throw error;
  } finally {
    for (const room of rooms) room.give();
  }

  function storeNext({
    blobId: blob,
    i,
    cid,
    bytes,
    room,
  }: {
    blobId: number;
    i: number;
    cid: string;
    bytes: Uint8Array;
    room: Reserved;
  }): Promise<void> {
    const stored = storeChunk(parts, {
      cid,
      bytes,
      chunk: () =>
        rows.get<ChunkRecord>(
          "SELECT chunk.* FROM part JOIN chunk ON chunk.id = part.chunk_id WHERE part.blob_id = ? AND part.i = ?",
          blob,
          i,
        ),
      mark: ({ id }) => {
        rows.run("UPDATE part SET ready = 1 WHERE blob_id = ? AND chunk_id = ?", blob, id);
        rows.run("UPDATE blob SET last_byte_at = ? WHERE id = ?", parts.now(), blob);
      },
    }).finally(() => {
      // It lies on the disk now, and would count twice.
      room.give();
      rooms.delete(room);
    });
    // It is waited for later.
    stored.catch(() => {});
    return stored;
  }
}

/** It gets the name that follows from its chunks; what was there under that name becomes one with it. */
async function settleName(
  parts: Parts,
  { blobId, manifest, facts, sealed }: { blobId: number; manifest: Manifest; facts: BlobFacts; sealed: boolean },
): Promise<void> {
  const { rows, tx, files, vault } = parts;
  const { cid, mime_type, filename } = manifest;
  const name = vault.name(cid, sealed);
  const written = await files.write(name, "manifest.json", vault.packManifest(cid, sealed, manifestBytes(manifest)));
  try {
    await files.settle();
    const isPrivate = facts.visibility === "private" ? 1 : 0;
    const { meta } = facts;
    const label = vault.packLabel(name, sealed, {
      cid,
      ...(mime_type === undefined ? {} : { mime_type }),
      ...(filename === undefined ? {} : { filename }),
      ...(meta === undefined ? {} : { meta }),
    });
    tx.durably(() => {
      // One may have been found damaged meanwhile.
      if (rows.missing(blobId).length > 0)
        throw refuse("hash_mismatch", "A chunk of the file was damaged on the disk. Store the file again.");
      const before = rows.get<BlobRecord>(
        "SELECT * FROM blob WHERE name IN (?, ?) AND private = ? AND staged = 0",
        ...vault.names(cid),
        isPrivate,
      );
      if (before?.complete === 1) {
        // It stays whose it was; this node itself may say more of it.
        rows.run("UPDATE blob SET pinned = max(pinned, ?) WHERE id = ?", facts.pin === true ? 1 : 0, before.id);
        if ((facts.owner ?? null) === null) addToLabel(parts, before, { mime_type, filename, meta });
        rows.run("DELETE FROM blob WHERE id = ?", blobId);
        return;
      }
      if (before !== undefined) rows.run("DELETE FROM blob WHERE id = ?", before.id);
      written.place();
      rows.run(
        "UPDATE blob SET name = ?, staged = 0, complete = 1, size_bytes = ?, chunk_count = ?, label = ?, pinned = max(pinned, ?), last_access = ? WHERE id = ?",
        name,
        manifest.size_bytes,
        manifest.chunks.length,
        label,
        before?.pinned ?? 0,
        parts.now(),
        blobId,
      );
    });
    await files.settle();
  } finally {
    written.discard();
  }
}

function addToLabel({ rows, vault }: Parts, blob: BlobRecord, said: { [Key in keyof Label]?: Label[Key] | undefined }): void {
  const before = vault.unpackLabel(blob.name, blob.sealed === 1, blob.label);
  if (before === null) return;
  const label = { ...before, ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) };
  rows.run("UPDATE blob SET label = ? WHERE id = ?", vault.packLabel(blob.name, blob.sealed === 1, label), blob.id);
}

/** The place of a chunk in a blob, and the chunk's own row where there is none yet. @returns the chunk as it stands */
export function addPart(
  parts: Parts,
  o: { blobId: number; i: number; cid: string; sealed: boolean; sizeBytes: number; ready?: (chunk: ChunkRecord) => boolean },
): ChunkRecord {
  const { rows, vault } = parts;
  const found = rows.chunk(vault.names(o.cid));
  const chunk = found ?? {
    id: 0,
    name: vault.name(o.cid, o.sealed),
    sealed: o.sealed ? 1 : 0,
    size_bytes: o.sizeBytes,
    held: 0,
    refs: 0,
  };
  if (found === undefined)
    chunk.id = rows.insert(
      "INSERT INTO chunk(name, sealed, size_bytes, held) VALUES(?, ?, ?, 0)",
      chunk.name,
      chunk.sealed,
      chunk.size_bytes,
    );
  const ready = chunk.held === 1 && o.ready?.(chunk) === true;
  rows.run("INSERT INTO part(blob_id, i, chunk_id, ready) VALUES(?, ?, ?, ?)", o.blobId, o.i, chunk.id, ready ? 1 : 0);
  if (chunk.sealed !== (o.sealed ? 1 : 0)) rows.run("INSERT OR IGNORE INTO recode(chunk_id) VALUES(?)", chunk.id);
  return chunk;
}
