import { CONSTANTS, type Clock, type Timer } from "../../contract/index.ts";

const PING_MS = CONSTANTS.WEBSOCKET_PING_SECONDS * 1000;
const IDLE_MS = CONSTANTS.WEBSOCKET_IDLE_CLOSE_SECONDS * 1000;
const MISSED_MAX = 2;

/** Notices a peer that is gone, and a socket on which nothing is said any more. @source 02 §8 */
export class Heartbeat {
  readonly #o: { clock: Clock; ping: () => void; onGone: () => void; onIdle: () => void; pongCounts: boolean };
  #pingTimer: Timer;
  #idleTimer: Timer;
  #lastAt: number;
  #unanswered = 0;

  /** @param o.pongCounts  an answered ping keeps it from being idle */
  constructor(o: { clock: Clock; ping: () => void; onGone: () => void; onIdle: () => void; pongCounts: boolean }) {
    this.#o = o;
    this.#lastAt = o.clock.monotonic();
    this.#pingTimer = o.clock.setTimeout(this.#beat, PING_MS);
    this.#idleTimer = o.clock.setTimeout(this.#look, IDLE_MS);
  }

  /** A message came or went. */
  said(): void {
    this.#lastAt = this.#o.clock.monotonic();
  }

  pong(): void {
    this.#unanswered = 0;
    if (this.#o.pongCounts) this.said();
  }

  stop(): void {
    this.#pingTimer.cancel();
    this.#idleTimer.cancel();
  }

  readonly #beat = (): void => {
    if (this.#unanswered >= MISSED_MAX) return this.#o.onGone();
    this.#unanswered += 1;
    this.#pingTimer = this.#o.clock.setTimeout(this.#beat, PING_MS);
    this.#o.ping();
  };

  readonly #look = (): void => {
    const left = this.#lastAt + IDLE_MS - this.#o.clock.monotonic();
    if (left <= 0) return this.#o.onIdle();
    this.#idleTimer = this.#o.clock.setTimeout(this.#look, left);
  };
}
