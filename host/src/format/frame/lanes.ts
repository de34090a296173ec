/**
 * Many connections over one: an isolate host speaks for many plugins over its one fd 3. `u32be size | u32be lane | bytes`; a size of 0 ends
 * the lane. Nothing is kept back: a piece is handed on as it arrives.
 * @source plugin-platform §1.2
 */
import type { ByteSocket } from "./channel.ts";

const HEAD_BYTES = 8;
const PIECE_MAX_BYTES = 16_777_216;
/** Below this, one copy is cheaper than a second write. */
const COPIED_BYTES = 65_536;

type Events = { data: (bytes: Uint8Array) => void; drain: () => void; close: () => void };

class Lane implements ByteSocket {
  readonly #lanes: LaneOwner;
  readonly #listeners: { [Name in keyof Events]: Events[Name][] } = { data: [], drain: [], close: [] };
  #open = true;

  constructor(lanes: LaneOwner) {
    this.#lanes = lanes;
  }

  get writableLength(): number {
    return this.#lanes.unsent();
  }

  write(bytes: Uint8Array): boolean {
    return this.#open && bytes.byteLength > 0 ? this.#lanes.write(bytes) : true;
  }

  pause(): void {
    if (this.#open) this.#lanes.pause(true);
  }

  resume(): void {
    this.#lanes.pause(false);
  }

  destroy(): void {
    if (!this.#open) return;
    this.#lanes.end();
    this.closed();
  }

  on(event: "data" | "drain" | "close" | "error", listener: never): void {
    if (event !== "error") (this.#listeners[event] as unknown[]).push(listener);
  }

  received(bytes: Uint8Array): void {
    for (const listener of this.#listeners.data) listener(bytes);
  }

  drained(): void {
    for (const listener of this.#listeners.drain) listener();
  }

  closed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#lanes.pause(false);
    for (const listener of this.#listeners.close) listener();
  }
}

/** What a lane may ask of the connection it is part of. */
interface LaneOwner {
  unsent(): number;
  write(bytes: Uint8Array): boolean;
  pause(paused: boolean): void;
  end(): void;
}

export interface LanesOptions {
  socket: ByteSocket;
  /** The other side has opened one. Its first bytes follow. */
  onLane: (number: number, lane: ByteSocket) => void;
  /** Once, however the connection ended; all lanes are closed by then. */
  onClose: () => void;
}

/**
 * @example
 * const lanes = new Lanes({ socket, onLane: () => {}, onClose });
 * const control = new FrameChannel({ socket: lanes.open(0), parity: "even", onMessage, onError });
 */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #open = new Map<number, Lane>();
  /** Numbers only rise, so a number up to this one that is not open has ended. */
  #highest = -1;
  readonly #paused = new Set<number>();
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headBytes = 0;
  #missing = 0;
  #lane = 0;
  #closed = false;

  constructor(options: LanesOptions) {
    this.#options = options;
    const { socket } = options;
    socket.on("data", (bytes) => this.#receive(bytes));
    socket.on("drain", () => {
      for (const lane of this.#open.values()) lane.drained();
    });
    socket.on("error", () => this.close());
    socket.on("close", () => this.close());
  }

  /** @param number  higher than every one before */
  open(number: number): ByteSocket {
    this.#highest = number;
    const { socket } = this.#options;
    const lane = new Lane({
      unsent: () => socket.writableLength,
      write: (bytes) => this.#write(number, bytes),
      pause: (paused) => this.#pause(number, paused),
      end: () => {
        this.#open.delete(number);
        this.#write(number, new Uint8Array(0));
      },
    });
    this.#open.set(number, lane);
    return lane;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.socket.destroy();
    const lanes = [...this.#open.values()];
    this.#open.clear();
    for (const lane of lanes) lane.closed();
    this.#options.onClose();
  }

  /** One lane that does not want to read stops them all: they belong to one publisher. */
  #pause(number: number, paused: boolean): void {
    const { socket } = this.#options;
    if (paused) this.#paused.add(number);
    else if (!this.#paused.delete(number)) return;
    if (this.#paused.size > 0) socket.pause();
    else if (!this.#closed) socket.resume();
  }

  #write(number: number, bytes: Uint8Array): boolean {
    if (this.#closed) return true;
    const { socket } = this.#options;
    const copied = bytes.byteLength <= COPIED_BYTES;
    const head = Buffer.allocUnsafe(HEAD_BYTES + (copied ? bytes.byteLength : 0));
    head.writeUInt32BE(bytes.byteLength, 0);
    head.writeUInt32BE(number, 4);
    if (copied) head.set(bytes, HEAD_BYTES);
    const flowing = socket.write(head);
    return copied ? flowing : socket.write(bytes);
  }

  #receive(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.byteLength && !this.#closed) {
      if (this.#missing === 0) {
        const taken = Math.min(HEAD_BYTES - this.#headBytes, bytes.byteLength - at);
        this.#head.set(bytes.subarray(at, at + taken), this.#headBytes);
        this.#headBytes += taken;
        at += taken;
        if (this.#headBytes === HEAD_BYTES) this.#begin();
        continue;
      }
      const piece = bytes.subarray(at, at + this.#missing);
      at += piece.byteLength;
      this.#missing -= piece.byteLength;
      this.#find(this.#lane)?.received(piece);
    }
  }

  #begin(): void {
    this.#headBytes = 0;
    this.#missing = this.#head.readUInt32BE(0);
    this.#lane = this.#head.readUInt32BE(4);
    if (this.#missing > PIECE_MAX_BYTES) return this.close();
    if (this.#missing > 0) return;
    const lane = this.#open.get(this.#lane);
    this.#open.delete(this.#lane);
    lane?.closed();
  }

  #find(number: number): Lane | undefined {
    const known = this.#open.get(number);
    if (known !== undefined || number <= this.#highest) return known;
    this.#options.onLane(number, this.open(number));
    return this.#open.get(number);
  }
}
