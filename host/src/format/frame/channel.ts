/** One end of the socket pair between host and plugin process; the same class on both sides. @source plugin-platform §5 */
import { CONSTANTS, type Attachment, type JsonObject } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { CHUNK_BYTES, IncomingStreams, OutgoingStreams, type IncomingLimits } from "./byte-streams.ts";
import { FrameDecoder, protocolError, type DecodedFrame, type HeaderParser } from "./codec.ts";
import { FrameWriter } from "./frame-writer.ts";
import { freePiece, ownMemory } from "./own-memory.ts";

/** What a channel needs of a `net.Socket`. */
export interface ByteSocket {
  readonly writableLength: number;
  write(bytes: Uint8Array, written?: () => void): boolean;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  on(event: "drain" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** Any message of fd 3; `att` belongs to the channel and is filled and removed by it. */
export type ChannelMessage = { t: string; id?: number };
export type Attachments = ReadonlyMap<string, Uint8Array>;

export interface FrameChannelOptions<In extends ChannelMessage> {
  socket: ByteSocket;
  /** Host even, plugin odd. */
  parity: "even" | "odd";
  /** A whole message with all its bytes. What it throws counts as a protocol error of the other side. */
  onMessage: (message: In, attachments: Attachments) => void;
  /** The other side broke the protocol; the socket is already destroyed, `onClose` follows. */
  onError: (error: HnError) => void;
  /** Once, however the connection ended. */
  onClose?: () => void;
  parse?: HeaderParser;
  /** What the socket hands out is this channel's alone, as that of a `net.Socket` is: it is given back as soon as it was copied. */
  ownsPieces?: boolean;
  limits?: Partial<IncomingLimits & { attachmentBytes: number }>;
}

const NO_ATTACHMENTS: Attachments = new Map();
/** What `send` gives where a message has left already: nothing can go wrong with it any more. */
export const SENT: Promise<void> = Promise.resolve();
const NO_BYTES: readonly Uint8Array[] = [];
const QUEUE_BYTES = 131_072;
const INLINE = CONSTANTS.PLUGIN_INLINE_ATTACHMENT_MAX_BYTES;
const MAX_ATTACHMENTS = 64;
/** So many frames leave without waiting for the end of the turn: the other side can begin while this one goes on. */
const BATCH_FRAMES = 32;
/** What one side lets the other have under way; the sender holds back before it would break this. */
const OPEN_STREAMS = 64;
const OPEN_BYTES = 67_108_864;
/** These overtake everything that waits: they are what ends a jam. */
const URGENT: ReadonlySet<string> = new Set(["cancel", "credit", "ping", "pong", "stop", "drain", "bye", "hello", "hello.ok"]);

interface Waiting {
  message: ChannelMessage;
  attachments: [pointer: string, bytes: Uint8Array][];
  /** Nobody looks at the attachment after this. */
  spends: boolean;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Sends and receives whole messages. Attachments up to 256 KiB travel behind their header, larger ones in chunks under credit;
 * the receiver sees a message when its last byte has come. Messages with the same `id` keep their order, except that
 * `cancel` and `credit` overtake.
 *
 * @example
 * const channel = new FrameChannel<PluginMessage, HostMessage>({ socket, parity: "even", onMessage, onError });
 * await channel.send({ t: "call", id: channel.nextId(), … }, { "/input/image_b64": bytes });
 */
export class FrameChannel<In extends ChannelMessage, Out extends ChannelMessage> {
  readonly #options: FrameChannelOptions<In>;
  readonly #socket: ByteSocket;
  readonly #decoder: FrameDecoder;
  readonly #writer: FrameWriter;
  readonly #outgoing = new OutgoingStreams();
  readonly #incoming: IncomingStreams;
  readonly #attachmentLimit: number;
  /** Messages that wait for the socket, in order. */
  #outbox: Waiting[] = [];
  /** Ids whose last message still sends bytes, with the messages behind it. */
  readonly #busy = new Map<number, { streams: number[]; behind: Waiting[] }>();
  #nextId: number;
  #received = 0;
  #closed = false;
  #flushing = false;

  constructor(options: FrameChannelOptions<In>) {
    this.#options = options;
    this.#socket = options.socket;
    this.#decoder = new FrameDecoder(options.parse);
    this.#writer = new FrameWriter((bytes, written) => void options.socket.write(bytes, written));
    this.#incoming = new IncomingStreams({
      streams: options.limits?.streams ?? OPEN_STREAMS,
      totalBytes: options.limits?.totalBytes ?? OPEN_BYTES,
    });
    this.#attachmentLimit = options.limits?.attachmentBytes ?? CONSTANTS.CALL_BODY_CEILING_BYTES;
    this.#nextId = options.parity === "even" ? 2 : 1;
    options.socket.on("data", (bytes) => this.#receive(bytes));
    options.socket.on("drain", () => this.#sendWaiting());
    options.socket.on("error", () => this.close());
    options.socket.on("close", () => this.#onClose());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** True while an incoming frame has begun and not ended. */
  get partial(): boolean {
    return this.#decoder.partial;
  }

  /** Frames that have come so far. */
  get received(): number {
    return this.#received;
  }

  /** Messages and streams that wait for the other side. */
  get queued(): number {
    return this.#outbox.length + this.#outgoing.open;
  }

  /** A fresh id of this side; also used for byte streams. */
  nextId(): number {
    const id = this.#nextId;
    if (id > 0xffff_fffd) throw protocolError("The connection has used up its ids.");
    this.#nextId = id + 2;
    return id;
  }

  /**
   * Resolves when the last byte was handed to the socket within the window; from then on the other side will see the message.
   * @param o.spends  its one attachment was the sender's alone and is not looked at again: see `ownMemory`
   * @throws plugin_gone when the connection ends first · plugin_gone reason protocol_error for an oversize message · AbortError after `abort(id)`
   */
  send(message: Out, attachments?: Readonly<Record<string, Uint8Array>>, o?: { spends: boolean }): Promise<void> {
    if (this.#closed) return Promise.reject(gone());
    const parts = entriesOf(attachments);
    const spends = o?.spends === true && parts.length === 1;
    if (URGENT.has(message.t)) {
      try {
        this.#write(message);
        return SENT;
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const busy = message.id === undefined ? undefined : this.#busy.get(message.id);
    if (busy === undefined && this.#outbox.length === 0 && this.#hasRoom(parts)) {
      if (parts.length === 0) return this.#sendPlain(message);
      return new Promise((resolve, reject) => this.#start({ message, attachments: parts, spends, resolve, reject }));
    }
    return new Promise((resolve, reject) =>
      (busy?.behind ?? this.#outbox).push({ message, attachments: parts, spends, resolve, reject }),
    );
  }

  /** Bytes that have not left yet. */
  get #unsent(): number {
    return this.#socket.writableLength + this.#writer.bytes;
  }

  #hasRoom(attachments: Waiting["attachments"]): boolean {
    if (this.#unsent > QUEUE_BYTES) return false;
    let bytes = 0;
    for (const [, part] of attachments) bytes += part.byteLength;
    if (bytes <= INLINE || this.#outgoing.open === 0) return true;
    return this.#outgoing.open + attachments.length <= OPEN_STREAMS && this.#outgoing.openBytes + bytes <= OPEN_BYTES;
  }

  /**
   * Stops what is still being sent under this id; its receiver drops the unfinished message.
   * @returns true when a message was withdrawn; false when the other side has, or will see, all that was sent under this id
   */
  abort(id: number): boolean {
    const mine = (waiting: Waiting): boolean => waiting.message.id === id;
    const dropped = this.#outbox.filter(mine);
    if (dropped.length > 0) this.#outbox = this.#outbox.filter((waiting) => !mine(waiting));
    const busy = this.#busy.get(id);
    if (busy !== undefined) {
      dropped.push(...busy.behind.splice(0));
      for (const stream of busy.streams) this.#endStream(stream, false);
    }
    for (const waiting of dropped) waiting.reject(aborted());
    return busy !== undefined || dropped.length > 0;
  }

  /** Hands everything written so far to the socket, for whoever is about to end it. */
  flush(): void {
    if (!this.#closed) this.#writer.flush();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    if (this.#closed) return;
    this.#socket.destroy();
    this.#onClose();
  }

  #sendPlain(message: ChannelMessage): Promise<void> {
    try {
      this.#write(message);
      return SENT;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #start(waiting: Waiting): void {
    const { message, attachments, resolve, reject } = waiting;
    const inline: Uint8Array[] = [];
    const streams: { stream: number; bytes: Uint8Array }[] = [];
    let inlineBytes = 0;
    try {
      const att: Attachment[] = attachments.map(([ptr, bytes]) => {
        if (inlineBytes + bytes.byteLength <= INLINE) {
          inline.push(bytes);
          inlineBytes += bytes.byteLength;
          return { ptr, size: bytes.byteLength };
        }
        const stream = this.nextId();
        streams.push({ stream, bytes });
        return { ptr, size: bytes.byteLength, stream };
      });
      this.#write(att.length === 0 ? message : { ...message, att }, inline, waiting.spends);
    } catch (error) {
      reject(error);
      return;
    }
    if (streams.length === 0) {
      resolve();
      return;
    }
    let open = streams.length;
    let allOk = true;
    const onEnd = (ok: boolean): void => {
      open -= 1;
      allOk &&= ok;
      if (open > 0) return;
      if (allOk) resolve();
      else reject(this.#closed ? gone() : aborted());
      this.#release(message.id);
    };
    if (message.id !== undefined) this.#busy.set(message.id, { streams: streams.map(({ stream }) => stream), behind: [] });
    for (const { stream, bytes } of streams) this.#outgoing.add(stream, bytes, onEnd);
    this.#pump();
  }

  /** The bytes under an id are through; its next messages join the queue. */
  #release(id: number | undefined): void {
    if (id === undefined) return;
    const behind = this.#busy.get(id)?.behind ?? [];
    this.#busy.delete(id);
    if (behind.length === 0) return;
    const [first, ...rest] = behind;
    if (first !== undefined) this.#start(first);
    for (const waiting of rest) (this.#busy.get(id)?.behind ?? this.#outbox).push(waiting);
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    for (let waiting = this.#outbox[0]; waiting !== undefined; waiting = this.#outbox[0]) {
      if (this.#closed || !this.#hasRoom(waiting.attachments)) break;
      this.#outbox.shift();
      const busy = waiting.message.id === undefined ? undefined : this.#busy.get(waiting.message.id);
      if (busy === undefined) this.#start(waiting);
      else busy.behind.push(waiting);
    }
    this.#pump();
  }

  #pump(): void {
    while (!this.#closed && this.#unsent <= QUEUE_BYTES - CHUNK_BYTES) {
      const chunk = this.#outgoing.next();
      if (chunk === undefined) return;
      this.#write({ t: "chunk", stream: chunk.stream, seq: chunk.seq, size: chunk.bytes.byteLength }, [chunk.bytes]);
      if (this.#outgoing.exhausted(chunk.stream)) this.#endStream(chunk.stream, true);
    }
  }

  #endStream(stream: number, ok: boolean): void {
    if (this.#closed || !this.#outgoing.unfinished(stream)) return;
    this.#write({ t: "chunk.end", stream, ok });
    this.#outgoing.end(stream, ok);
  }

  /** What is written in one turn of the event loop leaves together, a few frames at a time. */
  #write(header: object, attachments: readonly Uint8Array[] = NO_BYTES, spends = false): void {
    this.#writer.append(header, attachments, spends);
    if (this.#writer.frames >= BATCH_FRAMES) this.#writer.flush();
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.flush();
      // What left at once made room, and a socket that never was full says nothing of it.
      if (this.queued > 0) this.#sendWaiting();
    });
  }

  #receive(bytes: Uint8Array): void {
    if (this.#closed) return;
    try {
      const frames = this.#decoder.push(bytes);
      if (this.#options.ownsPieces === true && this.#decoder.copied) freePiece(bytes);
      for (const frame of frames) {
        this.#received += 1;
        this.#take(frame);
        if (this.#closed) return;
      }
    } catch (error) {
      this.#socket.destroy();
      this.#onClose(error instanceof HnError ? error : protocolError("A message could not be handled.", error));
    }
  }

  #take({ header, payload, alone }: DecodedFrame): void {
    const type = header["t"];
    if (typeof type !== "string") throw protocolError("A message has no type.");
    if (type === "chunk") return this.#takeChunk(header, payload);
    if (type === "chunk.end") return this.#takeEnd(header, payload);
    if (type === "credit" && header["bytes"] !== undefined) {
      noPayload(payload);
      this.#outgoing.credit(count(header["id"], "id"), count(header["bytes"], "bytes"));
      return this.#sendWaiting();
    }
    if (header["att"] === undefined) {
      noPayload(payload);
      return this.#options.onMessage(header as unknown as In, NO_ATTACHMENTS);
    }
    const { att: list, ...message } = header;
    const att = readAttachments(list, this.#attachmentLimit);
    if (alone && att.length === 1) ownMemory(payload);
    this.#assemble(message as unknown as In, att, payload);
  }

  #assemble(message: In, att: Attachment[], payload: Uint8Array): void {
    const found = new Map<string, Uint8Array>();
    let offset = 0;
    let open = 0;
    let dropped = false;
    const finish = (): void => {
      if (open > 0 || dropped) return;
      // The sender's order of pointers, whatever the order in which streams ended.
      this.#options.onMessage(message, new Map(att.map(({ ptr }) => [ptr, found.get(ptr) ?? new Uint8Array(0)])));
    };
    for (const entry of att) {
      if ("stream" in entry) continue;
      found.set(entry.ptr, payload.subarray(offset, offset + entry.size));
      offset += entry.size;
    }
    if (offset !== payload.byteLength) throw protocolError("The sizes of the attachments do not add up.");
    for (const entry of att) {
      if (!("stream" in entry)) continue;
      if (entry.stream % 2 === (this.#options.parity === "even" ? 0 : 1))
        throw protocolError("A stream uses an id of the other side.");
      open += 1;
      this.#incoming.expect(entry.stream, entry.size, (bytes) => {
        open -= 1;
        if (bytes === null) dropped = true;
        else found.set(entry.ptr, bytes);
        finish();
      });
    }
    finish();
  }

  #takeChunk(header: JsonObject, payload: Uint8Array): void {
    const stream = count(header["stream"], "stream");
    if (count(header["size"], "size") !== payload.byteLength) throw protocolError("A chunk's size does not fit its bytes.");
    if (payload.byteLength === 0 || payload.byteLength > INLINE) throw protocolError("A chunk is empty or larger than 256 KiB.");
    this.#incoming.chunk(stream, count(header["seq"], "seq"), payload);
    this.#write({ t: "credit", id: stream, bytes: payload.byteLength });
  }

  #takeEnd(header: JsonObject, payload: Uint8Array): void {
    noPayload(payload);
    const stream = count(header["stream"], "stream");
    if (typeof header["ok"] !== "boolean") throw protocolError("A stream's end does not say whether it is complete.");
    this.#incoming.end(stream, header["ok"]);
  }

  #onClose(error?: HnError): void {
    if (this.#closed) return;
    this.#closed = true;
    if (error !== undefined) this.#options.onError(error);
    const waiting = [...this.#outbox, ...[...this.#busy.values()].flatMap(({ behind }) => behind)];
    this.#outbox = [];
    this.#busy.clear();
    this.#outgoing.failAll();
    for (const { reject } of waiting) reject(gone());
    this.#options.onClose?.();
  }
}

function entriesOf(attachments: Readonly<Record<string, Uint8Array>> | undefined): Waiting["attachments"] {
  for (const _pointer in attachments) return Object.entries(attachments);
  return [];
}

function gone(): HnError {
  return new HnError("plugin_gone", { message: "The connection to the plugin process has ended." });
}

function aborted(): DOMException {
  return new DOMException("The message was withdrawn before it was sent.", "AbortError");
}

function noPayload(payload: Uint8Array): void {
  if (payload.byteLength > 0) throw protocolError("Bytes follow a message that announces none.");
}

function count(value: unknown, name: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw protocolError(`The field ${name} is not a whole number below 2^32.`);
  }
  return value;
}

function readAttachments(value: unknown, limit: number): Attachment[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ATTACHMENTS)
    throw protocolError("The list of attachments is malformed.");
  const seen = new Set<string>();
  return (value as unknown[]).map((entry): Attachment => {
    if (typeof entry !== "object" || entry === null) throw protocolError("An attachment is malformed.");
    const { ptr, size, stream } = entry as Record<string, unknown>;
    if (typeof ptr !== "string" || !ptr.startsWith("/") || ptr.length > 1024 || seen.has(ptr))
      throw protocolError("An attachment's pointer is malformed.");
    seen.add(ptr);
    const bytes = count(size, "size");
    if (bytes > limit) throw protocolError("An attachment is larger than allowed.");
    if (stream === undefined) {
      if (bytes > INLINE) throw protocolError("An attachment above 256 KiB must travel in chunks.");
      return { ptr, size: bytes };
    }
    return { ptr, size: bytes, stream: count(stream, "stream") };
  });
}
