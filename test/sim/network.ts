/** A network that delays, loses, repeats, reorders, cuts and swallows, in each direction by itself. @source network.md §7 */
import type { SimRandom } from "./random.ts";
import type { Scheduler, SimClock } from "./scheduler.ts";

/** One direction between two nodes. */
export interface LinkModel {
  latencyMs: number;
  /** Spread of the latency, evenly; packets of one direction may so overtake each other. */
  jitterMs: number;
  /** Share of the packets that get lost. */
  loss: number;
  /** Share of the packets that come twice. */
  duplicate: number;
  /** What a line carries in a millisecond; only open connections (`pipe.ts`) are slowed down by it. */
  bytesPerMs: number;
}

export const GOOD: LinkModel = { latencyMs: 2, jitterMs: 1, loss: 0, duplicate: 0, bytesPerMs: Infinity };

/** What a connection does about a lost packet: it is sent again after this, and again after twice the time. */
const RETRANSMIT_MS = 200;
const GIVE_UP = 10;

export interface Place {
  name: string;
  clock: SimClock;
  /** Nobody listens there; others are told so at once. */
  isDown: boolean;
}

export class Network {
  readonly #scheduler: Scheduler;
  readonly #random: SimRandom;
  readonly #models: Map<string, LinkModel> = new Map();
  readonly #cut: Set<string> = new Set();
  readonly counters: { packets: number; lost: number; repeated: number; bytes: number } = {
    packets: 0,
    lost: 0,
    repeated: 0,
    bytes: 0,
  };
  /** Of every direction that has none of its own. */
  model: LinkModel = GOOD;

  constructor(scheduler: Scheduler, random: SimRandom) {
    this.#scheduler = scheduler;
    this.#random = random.fork("network");
  }

  /** Another behaviour for one direction. */
  shape(from: Place, to: Place, change: Partial<LinkModel>): void {
    const key = edge(from, to);
    this.#models.set(key, { ...(this.#models.get(key) ?? this.model), ...change });
  }

  /** Swallows what goes from one to the other; nobody is told. */
  cut(from: Place, to: Place): void {
    this.#cut.add(edge(from, to));
  }

  join(from: Place, to: Place): void {
    this.#cut.delete(edge(from, to));
  }

  /** Nobody of one side reaches anybody of the other. */
  split(left: readonly Place[], right: readonly Place[]): void {
    for (const a of left)
      for (const b of right) {
        this.cut(a, b);
        this.cut(b, a);
      }
  }

  heal(): void {
    this.#cut.clear();
  }

  isCut(from: Place, to: Place): boolean {
    return this.#cut.has(edge(from, to));
  }

  /** A single packet: it comes once, twice, late, or never. */
  datagram(from: Place, to: Place, o: { label: string; bytes: number; deliver: () => void }): void {
    const model = this.of(from, to);
    this.#count(o.bytes);
    if (this.isCut(from, to) || this.#random.chance(model.loss)) return this.#lost(o.label);
    const copies = this.#random.chance(model.duplicate) ? 2 : 1;
    this.counters.repeated += copies - 1;
    for (let copy = 0; copy < copies; copy += 1)
      this.#scheduler.at(this.#delay(model), { label: o.label, owner: to.clock, fn: () => !to.isDown && o.deliver() });
  }

  /**
   * A part of a connection: loss makes it late, a cut swallows it until it is healed or the connection gives up.
   * @param o.broken  called in place of `deliver` when nobody listens there any more or the connection gave up
   */
  segment(from: Place, to: Place, o: { label: string; bytes: number; deliver: () => void; broken: (why: Broken) => void }): void {
    const attempt = (number: number): void => {
      const model = this.of(from, to);
      this.#count(o.bytes);
      if (this.isCut(from, to) || this.#random.chance(model.loss)) {
        this.#lost(o.label);
        if (number >= GIVE_UP) return o.broken("timed out");
        this.#scheduler.at(RETRANSMIT_MS * 2 ** number, {
          label: `${o.label} again`,
          owner: from.clock,
          fn: () => attempt(number + 1),
        });
        return;
      }
      // Its system still says that nobody listens when the process is gone.
      const owner = to.isDown ? {} : { owner: to.clock };
      this.#scheduler.at(this.#delay(model), {
        label: o.label,
        ...owner,
        fn: () => (to.isDown ? this.#refuse(from, o.broken) : o.deliver()),
      });
    };
    attempt(0);
  }

  #refuse(from: Place, broken: (why: Broken) => void): void {
    this.#scheduler.at(this.model.latencyMs, {
      label: `${from.name} is refused`,
      owner: from.clock,
      fn: () => broken("refused"),
    });
  }

  /** How one direction behaves. */
  of(from: Place, to: Place): LinkModel {
    return this.#models.get(edge(from, to)) ?? this.model;
  }

  #delay({ latencyMs, jitterMs }: LinkModel): number {
    return latencyMs + this.#random.unit() * jitterMs;
  }

  #count(bytes: number): void {
    this.counters.packets += 1;
    this.counters.bytes += bytes;
  }

  #lost(label: string): void {
    this.counters.lost += 1;
    this.#scheduler.note(`${label} lost`);
  }
}

/** Why a connection ended. */
export type Broken = "refused" | "timed out";

function edge(from: Place, to: Place): string {
  return `${from.name}>${to.name}`;
}
