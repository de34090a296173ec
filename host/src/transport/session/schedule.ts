import { ByNumber } from "../../format/index.ts";

/** @source network.md §1.5 "Send queue" */
const QUANTUM_BYTES = 16_384;

/** A record that waits for its frame. */
export interface Outgoing {
  id: number;
  /** Header and body, in one piece or two. */
  record: readonly Uint8Array[];
  /** Of the record. */
  bytes: number;
  /** In credit. */
  cost: number;
  /** Its frame begins with a seal: class `with`. */
  sealed: boolean;
  /** Nothing follows it in this call and direction. */
  last: boolean;
  /** Set when it was written, where it counts as one. */
  leaf?: Buffer;
  /** Not looked at again when it was written. */
  spent?: readonly Uint8Array[];
}

interface Stream {
  id: number;
  queue: Outgoing[];
  bytes: number;
  deficit: number;
}

/** What a frame has room for. */
export interface Room {
  /** For all of them. */
  bytes: number;
  /** For one that stands alone. */
  single: number;
  records: number;
  /** Whether there is credit for it. */
  affords: (record: Outgoing) => boolean;
  /** Told of each that is taken. */
  spend: (record: Outgoing) => void;
}

/**
 * The order in which records leave: calls and answers first, then streams turn about by bytes, so that one with large records does not starve
 * another. Records of one call never overtake each other.
 */
export class Schedule {
  readonly #first: Outgoing[] = [];
  readonly #streams = new ByNumber<Stream>();
  /** Streams with something to send; the one whose turn it is stands first. */
  readonly #turns: Stream[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#first.length === 0 && this.#turns.length === 0;
  }

  /** Everything that waits. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What of this call waits among the streams. */
  bytesOf(id: number): number {
    return this.#streams.get(id)?.bytes ?? 0;
  }

  /** @param o.first  a call, or the first word of an answer; it still waits behind what its own call has queued */
  push(item: Outgoing, o: { first: boolean }): void {
    this.#bytes += item.bytes;
    let stream = this.#streams.get(item.id);
    if (o.first && stream === undefined) return void this.#first.push(item);
    if (stream === undefined) {
      stream = { id: item.id, queue: [], bytes: 0, deficit: 0 };
      this.#streams.set(item.id, stream);
      this.#turns.push(stream);
    }
    stream.queue.push(item);
    stream.bytes += item.bytes;
  }

  /** The records of the next frame; none when nothing may be sent. */
  take(room: Room): Outgoing[] {
    const taken: Outgoing[] = [];
    let bytes = 0;
    const fits = (item: Outgoing): boolean =>
      taken.length === 0 ? item.bytes <= room.single : bytes + item.bytes <= room.bytes && taken.length < room.records;
    const put = (item: Outgoing): void => {
      room.spend(item);
      taken.push(item);
      bytes += item.bytes;
      this.#bytes -= item.bytes;
    };
    while (this.#first[0] !== undefined && fits(this.#first[0])) {
      if (!room.affords(this.#first[0])) break;
      put(this.#first.shift() as Outgoing);
    }
    // What follows a call must not leave before it.
    if (this.#first.length > 0) return taken;
    // Who has no credit passes its turn; when all did, it is over.
    for (let blocked = 0; blocked < this.#turns.length;) {
      const stream = this.#turns[0] as Stream;
      const before = taken.length;
      stream.deficit += QUANTUM_BYTES;
      const end = serve(stream, { fits, affords: room.affords, put });
      if (end === "empty") this.#drop(stream);
      else if (end === "full") return ((stream.deficit -= QUANTUM_BYTES), taken);
      else this.#turns.push(this.#turns.shift() as Stream);
      if (end === "blocked") stream.deficit = 0;
      blocked = end === "blocked" && taken.length === before ? blocked + 1 : 0;
    }
    return taken;
  }

  /** What waits of a call that is over, is dropped. @returns whether its first word was among it, and how many last ones */
  forget(id: number): { unsaid: boolean; lasts: number } {
    const stream = this.#streams.get(id);
    const dropped = [...(stream?.queue ?? [])];
    if (stream !== undefined) this.#drop(stream);
    const at = this.#first.findIndex((item) => item.id === id);
    if (at >= 0) dropped.push(...this.#first.splice(at, 1));
    for (const { bytes } of dropped) this.#bytes -= bytes;
    return { unsaid: at >= 0, lasts: dropped.filter(({ last }) => last).length };
  }

  #drop(stream: Stream): void {
    this.#streams.delete(stream.id);
    const at = this.#turns.indexOf(stream);
    if (at >= 0) this.#turns.splice(at, 1);
  }
}

function serve(
  stream: Stream,
  o: { fits: (item: Outgoing) => boolean; affords: (item: Outgoing) => boolean; put: (item: Outgoing) => void },
): "empty" | "full" | "blocked" | "spent" {
  for (let item = stream.queue[0]; item !== undefined; item = stream.queue[0]) {
    // Before anything else: two that have no credit and save up for it in turns would never both count as blocked, and nobody's turn would be the last.
    if (!o.affords(item)) return "blocked";
    if (item.bytes > stream.deficit) return "spent";
    if (!o.fits(item)) return "full";
    stream.queue.shift();
    stream.bytes -= item.bytes;
    stream.deficit -= item.bytes;
    o.put(item);
  }
  return "empty";
}
