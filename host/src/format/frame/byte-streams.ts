/** Attachments that travel in chunks: one class for each direction, both without knowledge of sockets. @source plugin-platform §5.3.1 */
import { CONSTANTS } from "../../contract/index.ts";
import { protocolError } from "./codec.ts";

/** Small enough that a `cancel` is on its way soon, large enough to cost little. */
export const CHUNK_BYTES = 65_536;
const WINDOW = CONSTANTS.PLUGIN_STREAM_WINDOW_BYTES;
const CONNECTION_WINDOW = CONSTANTS.PLUGIN_CONNECTION_WINDOW_BYTES;

export interface OutgoingChunk {
  stream: number;
  seq: number;
  bytes: Uint8Array;
}

interface Outgoing {
  bytes: Uint8Array;
  sent: number;
  seq: number;
  unacknowledged: number;
  ended: boolean;
  onEnd: (ok: boolean) => void;
}

/** Bytes that wait for window. Streams take turns chunk by chunk. */
export class OutgoingStreams {
  readonly #streams = new Map<number, Outgoing>();
  #unacknowledged = 0;
  #bytes = 0;

  get open(): number {
    return this.#streams.size;
  }

  /** Bytes of all open streams, sent or not. */
  get openBytes(): number {
    return this.#bytes;
  }

  add(stream: number, bytes: Uint8Array, onEnd: (ok: boolean) => void): void {
    this.#bytes += bytes.byteLength;
    this.#streams.set(stream, { bytes, sent: 0, seq: 0, unacknowledged: 0, ended: false, onEnd });
  }

  /** The next chunk that both windows allow, or undefined. */
  next(): OutgoingChunk | undefined {
    if (this.#unacknowledged >= CONNECTION_WINDOW) return undefined;
    for (const [stream, out] of this.#streams) {
      const size = Math.min(
        CHUNK_BYTES,
        out.bytes.byteLength - out.sent,
        WINDOW - out.unacknowledged,
        CONNECTION_WINDOW - this.#unacknowledged,
      );
      if (out.ended || size <= 0) continue;
      const chunk = { stream, seq: out.seq, bytes: out.bytes.subarray(out.sent, out.sent + size) };
      out.sent += size;
      out.seq += 1;
      out.unacknowledged += size;
      this.#unacknowledged += size;
      // Moving it to the end of the map's order is what makes the streams take turns.
      this.#streams.delete(stream);
      this.#streams.set(stream, out);
      return chunk;
    }
    return undefined;
  }

  /** True when all bytes have been handed out and the end was not yet announced. */
  exhausted(stream: number): boolean {
    const out = this.#streams.get(stream);
    return out !== undefined && !out.ended && out.sent === out.bytes.byteLength;
  }

  unfinished(stream: number): boolean {
    return this.#streams.get(stream)?.ended === false;
  }

  /** Marks the end; the entry stays until the other side has acknowledged what it got. */
  end(stream: number, ok: boolean): void {
    const out = this.#streams.get(stream);
    if (out === undefined || out.ended) return;
    out.ended = true;
    this.#forget(stream, out);
    out.onEnd(ok);
  }

  /** @throws plugin_gone reason protocol_error when more is acknowledged than was sent */
  credit(stream: number, bytes: number): void {
    const out = this.#streams.get(stream);
    if (out === undefined || bytes > out.unacknowledged) throw protocolError("Credit was given for bytes that were never sent.");
    out.unacknowledged -= bytes;
    this.#unacknowledged -= bytes;
    this.#forget(stream, out);
  }

  #forget(stream: number, out: Outgoing): void {
    if (out.ended && out.unacknowledged === 0 && this.#streams.delete(stream)) this.#bytes -= out.bytes.byteLength;
  }

  /** The connection is gone: every waiting sender learns it. */
  failAll(): void {
    for (const out of this.#streams.values()) if (!out.ended) out.onEnd(false);
    this.#streams.clear();
  }
}

interface Incoming {
  target: Uint8Array;
  received: number;
  seq: number;
  onEnd: (bytes: Uint8Array | null) => void;
}

export interface IncomingLimits {
  /** Open streams per connection. */
  streams: number;
  /** Bytes of all open streams together. */
  totalBytes: number;
}

/**
 * Assembles announced attachments. Every chunk is acknowledged as soon as it is stored: what bounds memory is the announced size,
 * and waiting for half a window would jam many small streams that share the connection's window.
 */
export class IncomingStreams {
  readonly #streams = new Map<number, Incoming>();
  readonly #limits: IncomingLimits;
  #announced = 0;

  constructor(limits: IncomingLimits) {
    this.#limits = limits;
  }

  /** @throws plugin_gone reason protocol_error */
  expect(stream: number, size: number, onEnd: (bytes: Uint8Array | null) => void): void {
    if (this.#streams.has(stream)) throw protocolError("An attachment stream was announced twice.");
    if (this.#streams.size >= this.#limits.streams) throw protocolError("Too many attachment streams are open.");
    if (this.#announced + size > this.#limits.totalBytes) {
      throw protocolError("The attachments under way are larger than allowed.");
    }
    this.#announced += size;
    this.#streams.set(stream, { target: new Uint8Array(size), received: 0, seq: 0, onEnd });
  }

  /** @throws plugin_gone reason protocol_error */
  chunk(stream: number, seq: number, bytes: Uint8Array): void {
    const incoming = this.#streams.get(stream);
    if (incoming === undefined) throw protocolError("A chunk came for a stream that is not open.");
    if (seq !== incoming.seq) throw protocolError("Chunks arrived out of order.");
    if (incoming.received + bytes.byteLength > incoming.target.byteLength) {
      throw protocolError("A stream is longer than announced.");
    }
    incoming.target.set(bytes, incoming.received);
    incoming.received += bytes.byteLength;
    incoming.seq += 1;
  }

  /** @throws plugin_gone reason protocol_error */
  end(stream: number, ok: boolean): void {
    const incoming = this.#streams.get(stream);
    if (incoming === undefined) throw protocolError("A stream ended that is not open.");
    if (ok && incoming.received !== incoming.target.byteLength) throw protocolError("A stream is shorter than announced.");
    this.#streams.delete(stream);
    this.#announced -= incoming.target.byteLength;
    incoming.onEnd(ok ? incoming.target : null);
  }
}
