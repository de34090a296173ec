/** One direction of an open connection: what is written later never arrives earlier, and what nobody reads holds the writer up. */
import type { Broken, Network, Place } from "./network.ts";

/** What may be under way or lie unread before the writer's own buffer fills; as systems have it. */
const WINDOW_BYTES = 262_144;

interface Load {
  bytes: number;
  deliver: () => void;
  left: () => void;
}

export class Pipe {
  readonly #network: Network;
  readonly #from: Place;
  readonly #to: Place;
  readonly #broken: (why: Broken) => void;
  readonly #queue: Load[] = [];
  readonly #arrived: Map<number, Load> = new Map();
  #sent = 0;
  #read = 0;
  #underWay = 0;
  #isLeaving = false;
  #isHeld = false;
  #isOver = false;
  /** Written and not gone. */
  buffered = 0;
  /** Everything that ever came out at the far end, read or not. */
  received = 0;

  /** @param broken  told once, when nobody is there any more */
  constructor(network: Network, ends: { from: Place; to: Place }, broken: (why: Broken) => void) {
    this.#network = network;
    this.#from = ends.from;
    this.#to = ends.to;
    this.#broken = broken;
  }

  /** @param left  called when it has left this end */
  write(bytes: number, deliver: () => void, left: () => void = (): void => undefined): void {
    if (this.#isOver) return;
    this.buffered += bytes;
    this.#queue.push({ bytes, deliver, left });
    this.#leave();
  }

  /** The far end reads no more until it is let go. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (!isHeld) this.#take();
  }

  /** Nothing comes or goes any more. */
  end(): void {
    this.#isOver = true;
    this.#queue.length = 0;
    this.#arrived.clear();
    this.buffered = 0;
  }

  #leave(): void {
    const load = this.#queue[0];
    if (load === undefined || this.#isLeaving || (this.#underWay > 0 && this.#underWay + load.bytes > WINDOW_BYTES)) return;
    const { bytesPerMs } = this.#network.of(this.#from, this.#to);
    if (bytesPerMs === Infinity) return this.#go(load);
    this.#isLeaving = true;
    this.#from.clock.setTimeout(() => {
      this.#isLeaving = false;
      if (!this.#isOver) this.#go(load);
    }, load.bytes / bytesPerMs);
  }

  #go(load: Load): void {
    this.#queue.shift();
    this.buffered -= load.bytes;
    this.#underWay += load.bytes;
    const number = (this.#sent += 1);
    this.#network.segment(this.#from, this.#to, {
      label: `${this.#from.name} tells ${this.#to.name} ${load.bytes} bytes`,
      bytes: load.bytes + 60,
      broken: (why) => this.#fail(why),
      deliver: () => {
        if (this.#isOver) return;
        this.received += load.bytes;
        this.#arrived.set(number, load);
        this.#take();
      },
    });
    queueMicrotask(load.left);
    this.#leave();
  }

  #take(): void {
    for (let load = this.#arrived.get(this.#read + 1); load && !this.#isHeld; load = this.#arrived.get(this.#read + 1)) {
      this.#read += 1;
      this.#arrived.delete(this.#read);
      this.#underWay -= load.bytes;
      load.deliver();
    }
    this.#leave();
  }

  #fail(why: Broken): void {
    if (this.#isOver) return;
    this.end();
    this.#broken(why);
  }
}
