import type { Clock, Timer } from "../../contract/index.ts";
import { FrameOpener } from "./cipher.ts";
import { ControlRate } from "./credit.ts";
import { badFrame, CLOSE, SessionFault } from "./fault.ts";
import { KIND } from "./frame.ts";
import type { Established } from "./handshake.ts";
import { leafOf } from "./merkle.ts";
import { isLeaf, jsonOf, readRecords, TYPE, type PeerRecord } from "./record.ts";
import { SealReader, type HeardSeal, type SealedLeaves } from "./seal.ts";

/** A seal is due 250 ms after what it covers; so much later there is no more credit, and then no more session. @source network.md §1.6 */
const SEAL_LATE_MS = 1250;
const SEAL_GIVEN_UP_MS = 2250;
/** Nobody waits longer than 256 leaves with a seal; this is what may be under way on top. */
const UNSEALED_MAX = 2048;

/** A record of a call, with what proves it. */
export interface Heard {
  record: PeerRecord;
  /** Of records that are leaves. */
  leaf: Buffer | undefined;
  /** It came in a frame that began with a seal over it. */
  sealed: boolean;
  /** That seal. */
  seal?: SealedLeaves;
}

export interface ReceiverOptions {
  established: Established;
  clock: Clock;
  onData: (heard: Heard) => void;
  onControl: (record: PeerRecord) => void;
  onSealed: (sealed: HeardSeal) => void;
  /** The peer owes a seal for too long. */
  onUnsealed: () => void;
}

/** The other direction of a session: nothing of a frame is believed before its tag, its number and, where there is one, its seal are right. */
export class Receiver {
  readonly #o: ReceiverOptions;
  readonly #frames: FrameOpener;
  readonly #seals: SealReader;
  readonly #rate: ControlRate;
  #owingSince: number | undefined;
  #timer: Timer | undefined;

  constructor(o: ReceiverOptions) {
    const { suite, receive, limits, sid, self, peer, peerCommunity, th6 } = o.established;
    this.#o = o;
    this.#frames = new FrameOpener(suite, receive, limits.frame);
    this.#seals = new SealReader({ session: sid, from: peer, to: self, community: peerCommunity, th6 });
    this.#rate = new ControlRate(o.clock.monotonic());
  }

  /** A seal is late: whoever says more without one gets no credit for it. */
  get isLate(): boolean {
    return this.#owingSince !== undefined && this.#o.clock.monotonic() - this.#owingSince > SEAL_LATE_MS;
  }

  /** @throws SessionFault 4400, 4402, 4412, 4429 */
  frame(bytes: Buffer): void {
    const { header, payload } = this.#frames.open(bytes);
    if (header.kind === KIND.relay) throw badFrame("a relay's frame between two peers");
    const records = readRecords(payload, header);
    if (header.kind === KIND.data) this.#data(records, header.sealed);
    else this.#control(records, bytes.byteLength);
  }

  /** We stood still ourselves: the peer has that much longer. */
  stalled(lateMs: number): void {
    if (this.#owingSince === undefined) return;
    this.#owingSince += lateMs;
    this.#watch();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #data(records: readonly PeerRecord[], sealed: boolean): void {
    const heard: Heard[] = [];
    for (const record of sealed ? records.slice(1) : records) {
      const leaf = isLeaf(record.type) ? leafOf(record.raw) : undefined;
      if (leaf !== undefined) this.#seals.add(leaf);
      heard.push({ record, leaf, sealed });
    }
    const [first] = records;
    if (sealed && first !== undefined) {
      const seal = this.#sealed(first, true);
      for (const one of heard) one.seal = seal;
    } else if (this.#seals.waiting > UNSEALED_MAX) throw new SessionFault(CLOSE.seal);
    else if (this.#seals.waiting > 0 && this.#owingSince === undefined) {
      this.#owingSince = this.#o.clock.monotonic();
      this.#watch();
    }
    for (const one of heard) this.#o.onData(one);
  }

  #control(records: readonly PeerRecord[], bytes: number): void {
    this.#rate.take(bytes, this.#o.clock.monotonic());
    for (const [place, record] of records.entries()) {
      if (record.type === TYPE.seal) this.#sealed(record, false);
      else if (record.type === TYPE.rekey) this.#rekey(record, place === records.length - 1);
      else this.#o.onControl(record);
    }
  }

  #sealed(record: PeerRecord, isWith: boolean): SealedLeaves {
    const sealed = this.#seals.read(jsonOf(record.body));
    this.#owingSince = undefined;
    this.#timer?.cancel();
    this.#o.onSealed({ ...sealed, isWith });
    return sealed;
  }

  /** The last word of its generation. @source network.md §1.3 */
  #rekey(record: PeerRecord, isLast: boolean): void {
    if (!isLast || jsonOf(record.body)["gen"] !== this.#frames.generation + 1) throw new SessionFault(CLOSE.tag);
    this.#frames.turn();
  }

  #watch(): void {
    this.#timer?.cancel();
    const left = (this.#owingSince ?? 0) + SEAL_GIVEN_UP_MS - this.#o.clock.monotonic();
    this.#timer = this.#o.clock.setTimeout(() => this.#o.onUnsealed(), left);
  }
}
