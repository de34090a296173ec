/** Descriptions of large blobs travel in pieces: a frame's JSON is bounded, and 40 000 chunks do not fit into one. */
import { frame, type Frame, type JsonObject } from "@hearthnet/sdk-plugin";
import { refuse } from "../refusal.ts";
import { CHUNKS_MAX, readManifest, type Manifest } from "./manifest.ts";
import type { Hasher } from "./blake3.ts";

/** Chunks that one frame names at most; up to 1 GiB a blob is described by the one frame `manifest`. */
export const MANIFEST_PIECE = 4096;
export const MORE = "manifest.more";

/** `manifest`, and as many `manifest.more` as it takes; `chunk_count` says how many chunks there are when there are any. */
export function* manifestFrames({ chunks, ...facts }: Manifest): Generator<Frame, void, void> {
  const first = chunks.slice(0, MANIFEST_PIECE);
  const count = chunks.length > MANIFEST_PIECE ? { chunk_count: chunks.length } : {};
  yield frame("manifest", { ...facts, ...count, chunks: first });
  for (let at = MANIFEST_PIECE; at < chunks.length; at += MANIFEST_PIECE)
    yield frame(MORE, { chunks: chunks.slice(at, at + MANIFEST_PIECE) });
}

/**
 * Takes the first piece and, while chunks are wanted, the next frames.
 * @param next  gives the following frame; undefined when nothing follows
 * @throws bad_request reason manifest_invalid
 */
export async function collectManifest(hasher: Hasher, first: object, next: () => Promise<Frame | undefined>): Promise<Manifest> {
  const { chunk_count: count, chunks, ...facts } = first as JsonObject;
  if (!Array.isArray(chunks)) return readManifest(hasher, first);
  const all = [...chunks];
  const wanted = typeof count === "number" ? Math.min(count, CHUNKS_MAX) : all.length;
  while (all.length < wanted) {
    const piece = await next();
    const more = piece?.event === MORE ? piece.data["chunks"] : undefined;
    if (!Array.isArray(more) || more.length === 0)
      throw refuse("manifest_invalid", `Of ${wanted} chunks ${all.length} were described. Send the rest in frames ${MORE}.`);
    all.push(...more);
  }
  return readManifest(hasher, { ...facts, chunks: all });
}
