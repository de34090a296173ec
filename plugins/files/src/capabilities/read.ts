/** `file.read@1.0`: one chunk, or a whole blob as a stream. @source 30 §2, §4.3 */
import { frame, type Frame, type Principal, type Result } from "@hearthnet/sdk-plugin";
import { manifestFrames } from "../cid/pieces.ts";
import { notHere } from "../refusal.ts";
import type { Store, Viewer } from "../store/index.ts";
import { viewerOf } from "./caller.ts";

export interface ReadCall {
  /** `describe: false`: whoever asks has the manifest already. */
  input: { cid: string; chunks?: number[]; from?: number; describe?: boolean };
  caller: Principal;
  elapsedMs(): number;
}

type ChunkOutput = { cid: string; size_bytes: number; data_b64: string };

/** Chunks that are read before the caller has taken the ones before. */
const AHEAD = 4;

/** The id of a chunk is answered at once, that of a blob with frames. */
export function read(call: ReadCall, store: Store): Promise<Result<ChunkOutput>> | AsyncGenerator<Frame, object, void> {
  const { cid } = call.input;
  const viewer = viewerOf(call.caller);
  if (store.hasChunk(cid, viewer)) return readOne(cid, viewer, store);
  if (store.stat(cid, viewer)?.complete !== true) throw notHere();
  return readBlob(call, viewer, store);
}

async function readOne(cid: string, viewer: Viewer, store: Store): Promise<Result<ChunkOutput>> {
  const bytes = await store.readChunk(cid, viewer);
  if (bytes === null) throw notHere();
  return { output: { cid, size_bytes: bytes.byteLength, data_b64: asField(bytes) } };
}

async function* readBlob(call: ReadCall, viewer: Viewer, store: Store): AsyncGenerator<Frame, object, void> {
  const { input } = call;
  const manifest = await store.manifest(input.cid, viewer);
  if (manifest === null) throw notHere();
  if (input.describe !== false) yield* manifestFrames(manifest);
  const { from = 0, chunks } = input;
  const wanted = (chunks ?? manifest.chunks.map(({ i }) => i)).filter((i) => i >= from && i < manifest.chunks.length);
  const ahead: Promise<Uint8Array | null>[] = [];
  let next = 0;
  for (const i of wanted) {
    for (; next < wanted.length && ahead.length < AHEAD; next += 1)
      ahead.push(early(manifest.chunks[wanted[next] ?? 0]?.cid ?? ""));
    const bytes = await ahead.shift();
    if (bytes === null || bytes === undefined) throw notHere();
    const { cid = "" } = manifest.chunks[i] ?? {};
    yield frame("chunk", { i, cid, size_bytes: bytes.byteLength, data_b64: bytes });
  }
  return { chunks: wanted.length, ms: call.elapsedMs() };

  /** Nobody waits for it when the caller has left. */
  function early(cid: string): Promise<Uint8Array | null> {
    const reading = store.readChunk(cid, viewer);
    reading.catch(() => {});
    return reading;
  }
}

/** The SDK takes bytes wherever the manifest names the field as binary; the generated type knows only what the wire carries. */
function asField(bytes: Uint8Array): string {
  return bytes as unknown as string;
}
