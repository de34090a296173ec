/** Files, led through the host to the plugin that keeps them. @source plugin-platform §3.3, §4.3 */
import type { Frame } from "@hearthnet/host/contract";
import { bytesOf, rawBytes, type HnBytes } from "../bytes.ts";
import type { Blobs, BlobStat } from "../commons.ts";
import { HnError } from "../error.ts";
import type { HostLink } from "./host-link.ts";
import type { RunningCall } from "./request.ts";

/** Whose rights and whose time a wish has. */
type Under = { parent: RunningCall | undefined; signal: AbortSignal | undefined };

const PIECE_BYTES = 262_144;
/** Up to here a file is held in memory, so that it can be handed on like any other bytes. */
const MEMORY_BYTES = 16_777_216;

/** @param parent  the call for whose caller this is done; what is under way ends when it is cancelled */
export function openBlobs(link: HostLink, parent: RunningCall | undefined): Blobs {
  const under = (): Under => ({ parent, signal: parent?.signal });
  return {
    stat: async (cid) => (await link.op("blobs.stat", { cid }, under())) as unknown as BlobStat,
    open: (cid) => openBlob(link, under(), cid),
    async put(bytes, { visibility, mime, meta }) {
      const facts = { visibility, ...(mime === undefined ? {} : { mime }), ...(meta === undefined ? {} : { meta }) };
      const raw = rawBytes(bytes);
      if (raw !== undefined && raw.byteLength <= PIECE_BYTES)
        return (await link.op("blobs.put", { ...facts, data: raw }, under())).cid;
      const source = raw === undefined ? streamOf(bytes as HnBytes | AsyncIterable<Uint8Array>) : bytesOf(raw).stream();
      const frames = framesOf(source);
      return (await link.op("blobs.put", { ...facts, stream: true }, { ...under(), frames })).cid;
    },
    fetch: (cid, options = {}) => link.frames("blobs.fetch", { cid, ...options }, under()),
  };
}

/** Bytes in frames of at most 256 KiB. */
export async function* framesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Frame, void, void> {
  for await (const part of source)
    for (let at = 0; at < part.byteLength; at += PIECE_BYTES)
      yield { event: "data", data: { bytes: part.subarray(at, at + PIECE_BYTES) as never } };
}

/** @throws TypeError when it is no bytes at all */
export function streamOf(data: unknown): AsyncIterable<Uint8Array> {
  const raw = rawBytes(data);
  if (raw !== undefined) return bytesOf(raw).stream();
  const { stream } = Object(data) as Partial<HnBytes>;
  if (typeof stream === "function") return stream.call(data);
  if (typeof data === "object" && data !== null && Symbol.asyncIterator in data) return data as AsyncIterable<Uint8Array>;
  throw new TypeError("Bytes are a Uint8Array, HnBytes or an async iterable of Uint8Array.");
}

/** @throws TypeError for anything but a frame of bytes */
export function bytesIn({ event, data }: Frame): Uint8Array {
  const bytes: unknown = data["bytes"];
  if (event !== "data" || !(bytes instanceof Uint8Array)) throw new TypeError(`Bytes were expected, not a frame ${event}.`);
  return bytes;
}

async function openBlob(link: HostLink, under: Under, cid: string): Promise<HnBytes> {
  const frames = link.frames("blobs.open", { cid }, under);
  const head = await frames.next();
  if (head.done === true || head.value.event !== "head")
    throw new HnError("internal_error", { message: "The file has no head." });
  const { size } = head.value.data as unknown as BlobStat;
  if (size > MEMORY_BYTES) return lazyBytes(size, frames);
  const whole = new Uint8Array(size);
  let at = 0;
  for await (const frame of frames) {
    const part = bytesIn(frame);
    if (at + part.byteLength > size) throw new HnError("internal_error", { reason: "blob_altered" });
    whole.set(part, at);
    at += part.byteLength;
  }
  if (at !== size) throw new HnError("internal_error", { reason: "blob_altered" });
  return bytesOf(whole);
}

/** Read once, as it comes. */
function lazyBytes(size: number, frames: AsyncGenerator<Frame, unknown, void>): HnBytes {
  let begun = false;
  async function* stream(): AsyncGenerator<Uint8Array, void, void> {
    if (begun) throw new HnError("bad_request", { message: "A file of more than 16 MiB can be read once; open it again." });
    begun = true;
    for await (const frame of frames) yield bytesIn(frame);
  }
  async function bytes(max = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    if (size > max) throw new RangeError(`There are ${size} bytes; at most ${max} were allowed.`);
    const whole = new Uint8Array(size);
    let at = 0;
    for await (const part of stream()) {
      whole.set(part, at);
      at += part.byteLength;
    }
    return whole;
  }
  return { size, bytes, stream, text: async () => new TextDecoder("utf-8", { fatal: true }).decode(await bytes()) };
}
