/** What a blob is made of, and the id that follows from it. @source 30 §1, F1 */
import { cleanMime, cleanName } from "../display-name.ts";
import { refuse } from "../refusal.ts";
import { isCid, type Hasher } from "./blake3.ts";

export const CHUNK_BYTES = 262_144;
export const CHUNKS_MAX = 40_000;

export interface Chunk {
  cid: string;
  size_bytes: number;
}

/** `mime_type` and `filename` are what somebody said of it; the id does not vouch for them. */
export interface Manifest {
  cid: string;
  size_bytes: number;
  chunk_size_bytes: typeof CHUNK_BYTES;
  chunks: ({ i: number } & Chunk)[];
  mime_type?: string;
  filename?: string;
}

/** In the order of the chunks, so that `A‖B` and `B‖A` differ. */
export function blobCid(hasher: Hasher, chunks: readonly Chunk[]): string {
  const parts = chunks.map(({ cid, size_bytes }) => ({ cid, size_bytes }));
  const size = chunks.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  // Canonical: keys in order, whole numbers and ASCII alone.
  const text = JSON.stringify({ chunk_size_bytes: CHUNK_BYTES, chunks: parts, size_bytes: size });
  return hasher.cid(new TextEncoder().encode(text));
}

export function makeManifest(
  hasher: Hasher,
  chunks: readonly Chunk[],
  facts: { mime_type?: string | undefined; filename?: string | undefined } = {},
): Manifest {
  const mime = cleanMime(facts.mime_type);
  const name = cleanName(facts.filename);
  return {
    cid: blobCid(hasher, chunks),
    size_bytes: chunks.reduce((sum, { size_bytes }) => sum + size_bytes, 0),
    chunk_size_bytes: CHUNK_BYTES,
    chunks: chunks.map(({ cid, size_bytes }, i) => ({ i, cid, size_bytes })),
    ...(mime === undefined ? {} : { mime_type: mime }),
    ...(name === undefined ? {} : { filename: name }),
  };
}

/**
 * Takes a manifest that somebody sent: every size, every index and the id must follow from the list of chunks.
 * @returns a copy with nothing in it that was not checked, and names made harmless
 * @throws bad_request reason manifest_invalid
 */
export function readManifest(hasher: Hasher, value: unknown): Manifest {
  const { cid, size_bytes, chunk_size_bytes, chunks, mime_type, filename } = Object(value) as Partial<Manifest>;
  if (!isCid(cid)) throw invalid("its id is not `blake3:` and 64 hex digits");
  if (chunk_size_bytes !== CHUNK_BYTES) throw invalid(`its chunks do not have ${CHUNK_BYTES} bytes`);
  if (!Array.isArray(chunks) || chunks.length === 0) throw invalid("it names no chunks; an empty file has one");
  if (chunks.length > CHUNKS_MAX) throw invalid(`it has more than ${CHUNKS_MAX} chunks`);
  for (const [i, chunk] of chunks.entries()) {
    const part = Object(chunk) as Partial<Manifest["chunks"][number]>;
    if (part.i !== i) throw invalid(`chunk ${i} is not in its place`);
    if (!isCid(part.cid)) throw invalid(`chunk ${i} has no id`);
    const last = i === chunks.length - 1;
    const fits = last ? isSize(part.size_bytes) && (part.size_bytes > 0 || i === 0) : part.size_bytes === CHUNK_BYTES;
    if (!fits) throw invalid(`chunk ${i} has a size that it cannot have`);
  }
  const made = makeManifest(hasher, chunks, {
    mime_type: typeof mime_type === "string" ? mime_type : undefined,
    filename: typeof filename === "string" ? filename : undefined,
  });
  if (made.size_bytes !== size_bytes) throw invalid("its size is not that of its chunks");
  if (made.cid !== cid) throw invalid("its id does not follow from its chunks");
  return made;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= CHUNK_BYTES;
}

function invalid(why: string): Error {
  return refuse("manifest_invalid", `The file's description cannot be right: ${why}. Make it anew from the file.`);
}
