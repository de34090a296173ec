import type { Clock, Timer } from "../../contract/index.ts";

/** Milliseconds of silence. @source network.md §1.5 "Alive" */
interface Patience {
  ping: number;
  /** With an unanswered PING: others are preferred. */
  suspect: number;
  dead: number;
}

const DIRECT: Patience = { ping: 15_000, suspect: 30_000, dead: 45_000 };
/** With calls in flight over a relay, whose half-open sockets nobody notices otherwise. */
const RELAYED: Patience = { ping: 1000, suspect: 2000, dead: 45_000 };
/** A timer that is later than this says that we ourselves stood still. */
const STALL_MS = 2000;

export interface LivenessOptions {
  clock: Clock;
  /** Everything that ever came in; any byte is a sign of life. */
  bytesRead: () => number;
  isRelayed: boolean;
  /** Calls under way, in either direction. */
  openCalls: () => number;
  onPing: () => void;
  onDead: () => void;
  /** We stood still for so many milliseconds; whoever waits for the peer waits that much longer. */
  onStall?: (lateMs: number) => void;
}

/** Whether the other side still lives, judged by its silence and never by our own. */
export class Liveness {
  readonly #o: LivenessOptions;
  #heardAt: number;
  #bytes: number;
  #pingedAt: number | undefined;
  #dueAt = 0;
  #timer: Timer | undefined;
  #relayed = false;

  constructor(o: LivenessOptions) {
    this.#o = o;
    this.#heardAt = o.clock.monotonic();
    this.#bytes = o.bytesRead();
    this.#arm();
  }

  /** No answer to a PING for a while. */
  get isSuspect(): boolean {
    return this.#pingedAt !== undefined && this.#o.clock.monotonic() - this.#heardAt >= this.#patience.suspect;
  }

  /** Something has arrived. */
  heard(): void {
    this.#heardAt = this.#o.clock.monotonic();
    this.#pingedAt = undefined;
  }

  /** Calls began or ended: over a relay that changes how soon silence counts. */
  busy(): void {
    if (this.#o.isRelayed && this.#relayed !== this.#o.openCalls() > 0) this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  get #patience(): Patience {
    return this.#o.isRelayed && this.#o.openCalls() > 0 ? RELAYED : DIRECT;
  }

  #arm(): void {
    const { clock } = this.#o;
    const now = clock.monotonic();
    const { ping, suspect, dead } = this.#patience;
    this.#relayed = this.#o.isRelayed && this.#o.openCalls() > 0;
    const silentMs = now - this.#heardAt;
    const next = this.#pingedAt === undefined ? ping : silentMs < suspect ? suspect : dead;
    this.#timer?.cancel();
    this.#dueAt = Math.max(now + 1, this.#heardAt + next);
    this.#timer = clock.setTimeout(() => this.#look(), this.#dueAt - now);
  }

  #look(): void {
    const now = this.#o.clock.monotonic();
    const lateMs = now - this.#dueAt;
    if (lateMs > STALL_MS) {
      this.#heardAt += lateMs;
      this.#o.onStall?.(lateMs);
    }
    const bytes = this.#o.bytesRead();
    // A frame that is still on its way in counts by its first byte.
    if (bytes !== this.#bytes) this.heard();
    this.#bytes = bytes;
    const silentMs = now - this.#heardAt;
    if (silentMs >= this.#patience.dead) return this.#o.onDead();
    if (this.#pingedAt === undefined && silentMs >= this.#patience.ping) {
      this.#pingedAt = now;
      this.#o.onPing();
    }
    this.#arm();
  }
}
