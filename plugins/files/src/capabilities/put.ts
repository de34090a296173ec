/** `file.put@1.0` and `file.put.resume@1.0`. @source 30 §2, §5.4 */
import { frame, type Frame, type HnBytes, type Principal, type Result, type Visibility } from "@hearthnet/sdk-plugin";
import type { Hasher } from "../cid/blake3.ts";
import type { Manifest } from "../cid/manifest.ts";
import { collectManifest } from "../cid/pieces.ts";
import { refuse } from "../refusal.ts";
import type { Incoming, Store } from "../store/index.ts";
import { ownerOf, viewerOf } from "./caller.ts";

export interface PutCall {
  input: {
    manifest?: object;
    visibility?: Visibility;
    pin?: boolean;
    client_id?: string;
    data_b64?: string;
    filename?: string;
    mime_type?: string;
  };
  caller: Principal;
  /** Bytes of `input.data_b64`. */
  data: HnBytes | undefined;
  frames(): AsyncIterable<Frame>;
  elapsedMs(): number;
}

export interface ResumeCall {
  input: { manifest_cid: string; client_id: string };
  caller: Principal;
  frames(): AsyncIterable<Frame>;
  elapsedMs(): number;
}

export interface PutDeps {
  store: Store;
  hasher: Hasher;
  defaultVisibility: () => Visibility;
  partialTtlMs: () => number;
  now: () => number;
}

/** Without chunks and frames. @source 30 §2 "put unary" */
const UNARY_MAX_BYTES = 8_388_608;
/** Chunks on their way to the disk at once. */
const WRITES = 4;
const ACK_EVERY = 8;

type Small = { cid: string; size_bytes: number };

export function put(call: PutCall, deps: PutDeps): Promise<Result<Small>> | AsyncGenerator<Frame, object, void> {
  const { manifest } = call.input;
  if ((manifest === undefined) === (call.data === undefined))
    throw refuse("manifest_invalid", "Send either manifest, and the chunks as frames, or the file itself as data_b64.");
  if (call.data !== undefined) return putSmall(call, call.data, deps);
  return putChunks(call, manifest ?? {}, deps);
}

export async function* resume(call: ResumeCall, deps: PutDeps): AsyncGenerator<Frame, object, void> {
  const { store, partialTtlMs, now } = deps;
  const { manifest_cid: cid, client_id: clientId } = call.input;
  const incoming = await store.incoming(cid, ownerOf(call.caller));
  try {
    if (incoming === null && store.stat(cid, viewerOf(call.caller))?.complete === true) {
      yield frame("ready", { missing: [] });
      return { received: 0, cid, ms: call.elapsedMs() };
    }
    if (incoming === null || incoming.clientId !== clientId || now() - incoming.lastByteAt > partialTtlMs())
      throw refuse("upload_expired", "There is no upload here that could go on. Start it anew with file.put.");
    yield frame("ready", { missing: incoming.missing() });
    const received = yield* take(incoming, call.frames()[Symbol.asyncIterator]());
    return { received, cid, ms: call.elapsedMs() };
  } finally {
    incoming?.close();
  }
}

async function* putChunks(call: PutCall, first: object, deps: PutDeps): AsyncGenerator<Frame, object, void> {
  const { store, hasher, defaultVisibility } = deps;
  const frames = call.frames()[Symbol.asyncIterator]();
  const manifest = await collectManifest(hasher, first, () => nextOf(frames));
  const { pin, client_id: clientId, visibility = defaultVisibility() } = call.input;
  const incoming = await store.receive(manifest, {
    visibility,
    origin: "put",
    owner: ownerOf(call.caller),
    ...(pin === undefined ? {} : { pin }),
    ...(clientId === undefined ? {} : { clientId }),
  });
  try {
    yield frame("ready", { needed: incoming.missing() });
    const received = yield* take(incoming, frames);
    return { received, cid: manifest.cid, ms: call.elapsedMs() };
  } finally {
    incoming.close();
  }
}

/** Until nothing is missing. @returns how many chunks came */
async function* take(incoming: Incoming, frames: AsyncIterator<Frame>): AsyncGenerator<Frame, number, void> {
  const writing: Promise<void>[] = [];
  const missing = new Set(incoming.missing());
  let received = 0;
  let upto = 0;
  try {
    while (missing.size > 0) {
      const next = await nextOf(frames);
      if (next === undefined) break;
      const { i, bytes } = chunkOf(next, incoming.manifest);
      const written = incoming.write(i, bytes);
      written.catch(() => {});
      writing.push(written);
      missing.delete(i);
      received += 1;
      if (writing.length >= WRITES) {
        await writing.shift();
        upto += 1;
        if (upto % ACK_EVERY === 0) yield frame("ack", { upto });
      }
    }
    await Promise.all(writing);
  } finally {
    // Whoever leaves early finds what is on its way to the disk there later.
    await Promise.allSettled(writing);
  }
  await incoming.finish();
  if (received > 0) yield frame("ack", { upto: received });
  return received;
}

function chunkOf({ event, data }: Frame, { chunks }: Manifest): { i: number; bytes: Uint8Array } {
  const { i, cid, data_b64: bytes } = data as { i?: unknown; cid?: unknown; data_b64?: unknown };
  if (event !== "chunk" || typeof i !== "number" || !(bytes instanceof Uint8Array))
    throw refuse("hash_mismatch", "Only frames chunk {i, cid, data_b64} follow a put.");
  if (cid !== chunks[i]?.cid) throw refuse("hash_mismatch", `Chunk ${i} is not that of the file's description.`);
  return { i, bytes };
}

async function putSmall(call: PutCall, data: HnBytes, { store, defaultVisibility }: PutDeps): Promise<Result<Small>> {
  if (data.size > UNARY_MAX_BYTES)
    throw refuse(
      "too_large",
      "At most 8 MiB can be stored in one piece. Add larger files on the page Files, or send manifest and chunks.",
    );
  const { filename, mime_type, pin, visibility = defaultVisibility() } = call.input;
  const { cid, size_bytes } = await store.takeIn(data.stream(), {
    visibility,
    origin: "put",
    owner: ownerOf(call.caller),
    ...(pin === undefined ? {} : { pin }),
    ...(filename === undefined ? {} : { filename }),
    ...(mime_type === undefined ? {} : { mime_type }),
  });
  return { output: { cid, size_bytes } };
}

async function nextOf(frames: AsyncIterator<Frame>): Promise<Frame | undefined> {
  const next = await frames.next();
  return next.done === true ? undefined : next.value;
}
