import { ByNumber, spend } from "../../format/index.ts";
import type { Clock, Timer } from "../../contract/index.ts";
import type { Signer } from "../../identity/index.ts";
import { FrameSealer, GENERATIONS_MAX } from "./cipher.ts";
import { costOf, SendCredit } from "./credit.ts";
import { FRAME_MAX_RECORDS, FRAME_TARGET_BYTES, HEADER_BYTES, KIND, TAG_BYTES } from "./frame.ts";
import type { Established } from "./handshake.ts";
import { leafOf } from "./merkle.ts";
import { encodeInParts, encodeRecord, isLeaf, RECORD_HEADER_BYTES, TYPE, type RecordType } from "./record.ts";
import { Schedule, type Outgoing } from "./schedule.ts";
import { SealWriter } from "./seal.ts";

/** What waits in the socket, with the frame that is being made; above it only control is written. @source network.md §1.5 */
const HIGH_WATER_BYTES = 262_144;
/** What a seal takes at the start of a frame, generously. */
const SEAL_ROOM_BYTES = 1024;
const SEAL_AFTER_MS = 250;
const SEAL_AFTER_LEAVES = 256;
/** Frames of this size and more take turns in the same memory: new memory is what a stream of bytes costs most. */
const POOLED_FROM_BYTES = 16_384;
/** A whole piece, with its headers and a seal. */
const POOLED_BYTES = 68_608;
const POOL_MAX = 6;
/** A producer waits while so much of its stream was not written. */
const STREAM_QUEUE_BYTES = 65_536;

/** The WebSocket as a session uses it. */
export interface SessionSocket {
  /** @param written  when it has left this process */
  send(frame: Buffer, written: () => void): void;
  /** Bytes that were given to `send` and have not left. */
  readonly bufferedAmount: number;
  readonly bytesRead: number;
  /** Runs `act`; what it sends leaves in one write. */
  together(act: () => void): void;
  /** Reads no more. */
  pause(): void;
  close(code: number): void;
  destroy(): void;
}

export interface SenderOptions {
  established: Established;
  socket: SessionSocket;
  signer: Signer;
  clock: Clock;
  /** Runs when everything that is ready now has said what it has to say. */
  soon: (flush: () => void) => void;
  onFlushed: () => void;
}

/** A record of a call, on its way into the queue. */
export interface Word {
  type: RecordType;
  id: number;
  flags?: number;
  body: string | Uint8Array;
  /** Class `with`. */
  sealed: boolean;
  /** A call, or the first word of an answer; see {@link Schedule.push}. */
  first: boolean;
  /** The last that this side says in the call. */
  last: boolean;
}

/** How much left on a session; for tests and the operator. */
export interface Sent {
  frames: number;
  records: number;
  seals: number;
}

/** One direction of a session: puts records into frames, seals what they say, and waits where the other side is slow. */
export class Sender {
  readonly sent: Sent = { frames: 0, records: 0, seals: 0 };
  /** The largest record that a frame can carry. */
  readonly recordMaxBytes: number;
  readonly #o: SenderOptions;
  readonly #frames: FrameSealer;
  readonly #seals: SealWriter;
  readonly #credit: SendCredit;
  readonly #schedule: Schedule = new Schedule();
  readonly #waiting = new ByNumber<() => void>();
  readonly #pool: Buffer[] = [];
  #control: Buffer[] = [];
  #unsaid = 0;
  #isPlanned = false;
  #isOver = false;
  #sealTimer: Timer | undefined;

  constructor(o: SenderOptions) {
    const { suite, send, limits, sid, self, peer, community, th6 } = o.established;
    this.#o = o;
    this.#frames = new FrameSealer({ suite, key: send, now: o.clock.monotonic() });
    this.#seals = new SealWriter(o.signer, { session: sid, from: self, to: peer, community, th6 });
    this.#credit = new SendCredit({ session: limits.session_window, stream: limits.stream_window });
    this.recordMaxBytes = limits.frame - HEADER_BYTES - TAG_BYTES - SEAL_ROOM_BYTES;
  }

  /** The last generation is used up: the session has to be replaced. */
  get isWorn(): boolean {
    return this.#frames.generation >= GENERATIONS_MAX;
  }

  /** Everything that waits for its frame. */
  get queuedBytes(): number {
    return this.#schedule.bytes;
  }

  /** Calls whose last word waits. */
  get unsaid(): number {
    return this.#unsaid;
  }

  data(o: Word): Outgoing {
    const record = encodeInParts(o);
    const { id, sealed, last } = o;
    const bytes = record.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const item: Outgoing = { id, record, bytes, cost: costOf(bytes - RECORD_HEADER_BYTES), sealed, last };
    if (this.#isOver) return item;
    if (last) this.#unsaid += 1;
    this.#schedule.push(item, { first: o.first });
    this.#plan();
    return item;
  }

  /** Skips the queue of data and needs no credit. */
  control(type: RecordType, id: number, body: string | Uint8Array): void {
    if (this.#isOver) return;
    this.#control.push(encodeRecord({ type, id, body }));
    this.#plan();
  }

  /** Resolves when the stream may say more, or the session is over. */
  room(id: number): Promise<void> {
    if (this.#isOver || this.#schedule.bytesOf(id) < STREAM_QUEUE_BYTES) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(id, resolve);
    return promise;
  }

  /** The other side has taken something. @throws SessionFault 4400 */
  granted(id: number, bytes: number): void {
    this.#credit.grant(id, bytes);
    this.#plan();
  }

  /** Whatever of this call still waits, waits no more. @returns whether its first word had not left yet */
  forget(id: number): boolean {
    const { unsaid, lasts } = this.#schedule.forget(id);
    this.#unsaid -= lasts;
    this.#credit.close(id);
    this.#wake(id);
    return unsaid;
  }

  /** Writes what is allowed now; the last thing said comes before the close. */
  flush(): void {
    this.#isPlanned = false;
    if (this.#isOver) return;
    this.#o.socket.together(() => this.#writeAll());
    this.#rekey();
    this.#sealLater();
    for (const [id] of this.#waiting.entries()) if (this.#schedule.bytesOf(id) < STREAM_QUEUE_BYTES) this.#wake(id);
    this.#o.onFlushed();
  }

  #writeAll(): void {
    this.#writeControl();
    for (;;) {
      const buffered = this.#o.socket.bufferedAmount;
      const left = HIGH_WATER_BYTES - buffered - HEADER_BYTES - TAG_BYTES - SEAL_ROOM_BYTES;
      const taken = this.#schedule.take({
        bytes: Math.min(FRAME_TARGET_BYTES, left),
        single: Math.min(this.recordMaxBytes, left),
        records: FRAME_MAX_RECORDS,
        affords: ({ id, cost }) => this.#credit.fits(id, cost),
        spend: ({ id, cost }) => this.#credit.spend(id, cost),
      });
      if (taken.length === 0) break;
      this.#writeData(taken);
    }
  }

  stop(): void {
    this.#isOver = true;
    this.#sealTimer?.cancel();
    for (const [id] of this.#waiting.entries()) this.#wake(id);
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#o.soon(() => this.flush());
  }

  #wake(id: number): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.();
  }

  #writeControl(): void {
    while (this.#control.length > 0) this.#writeControlOf(this.#control.splice(0, FRAME_MAX_RECORDS));
  }

  #writeData(taken: readonly Outgoing[]): void {
    let sealed = false;
    for (const item of taken) {
      if (isLeaf(item.record[0]?.[0] ?? 0)) this.#seals.add((item.leaf = leafOf(joined(item.record))));
      sealed ||= item.sealed;
      if (!item.last) continue;
      this.#unsaid -= 1;
      this.#credit.close(item.id);
    }
    sealed ||= this.#seals.waiting >= SEAL_AFTER_LEAVES;
    const parts = taken.flatMap(({ record }) => record);
    this.#write(KIND.data, {
      parts: sealed ? [this.#seal(), ...parts] : parts,
      records: taken.length + (sealed ? 1 : 0),
      sealed,
    });
    for (const { spent } of taken) spent?.forEach(spend);
  }

  #seal(): Buffer {
    this.#sealTimer?.cancel();
    this.#sealTimer = undefined;
    this.sent.seals += 1;
    return encodeRecord({ type: TYPE.seal, id: 0, body: this.#seals.seal(this.#o.clock.now()) });
  }

  /** What was said without a seal gets one in a quarter of a second, whether or not something else is said. @source network.md §1.6 */
  #sealLater(): void {
    if (this.#seals.waiting === 0 || this.#sealTimer !== undefined) return;
    this.#sealTimer = this.#o.clock.setTimeout(() => {
      this.#sealTimer = undefined;
      if (this.#isOver || this.#seals.waiting === 0) return;
      this.#control.push(this.#seal());
      this.flush();
    }, SEAL_AFTER_MS);
  }

  #rekey(): void {
    const now = this.#o.clock.monotonic();
    if (!this.#frames.isDue(now) || this.isWorn) return;
    const body = JSON.stringify({ gen: this.#frames.generation + 1 });
    this.#writeControlOf([encodeRecord({ type: TYPE.rekey, id: 0, body })]);
    this.#frames.turn(now);
  }

  #writeControlOf(parts: readonly Buffer[]): void {
    this.#write(KIND.ctrl, { parts, records: parts.length, sealed: false });
  }

  #write(kind: 1 | 2, { parts, records, sealed }: { parts: readonly Uint8Array[]; records: number; sealed: boolean }): void {
    let bytes = 0;
    for (const part of parts) bytes += part.byteLength;
    this.sent.frames += 1;
    this.sent.records += records;
    const room = bytes < POOLED_FROM_BYTES ? undefined : this.#memory(bytes + HEADER_BYTES + TAG_BYTES);
    const frame = this.#frames.seal(kind, { parts, bytes, sealed }, room);
    this.#o.socket.send(frame, room === undefined ? this.#written : (): void => this.#giveBack(room));
  }

  /** Memory for a large frame: that of one which has left, where there is one. */
  #memory(bytes: number): Buffer {
    return bytes > POOLED_BYTES ? Buffer.allocUnsafeSlow(bytes) : (this.#pool.pop() ?? Buffer.allocUnsafeSlow(POOLED_BYTES));
  }

  #giveBack(room: Buffer): void {
    if (room.byteLength === POOLED_BYTES && this.#pool.length < POOL_MAX) this.#pool.push(room);
    this.#written();
  }

  readonly #written = (): void => {
    if (!this.#schedule.isEmpty) this.#plan();
  };
}

/** Mostly there is one part. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts);
}
