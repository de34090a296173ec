import type { Random } from "../../contract/index.ts";

const FAILURES = 3;
/** Twice as long after each call that has decided against it. */
const REST_MS = { first: 4000, most: 60_000 };

/**
 * Whether a neighbour as a whole answers at all. Three calls in a row that brought no answer, of whatever capability, and it is left alone for
 * 4 s ± 50 %; then one call decides, and each that decides against it doubles the time, up to 60 s ± 50 %: a cable that was out for a moment must not
 * cost a minute. A manifest that it has handed out meanwhile brings that one call forward, and so does a call of its own. Times are monotonic milliseconds.
 * @source network.md §2.1 "Dead peers", ADR 0029
 */
export class PeerBreaker {
  readonly #random: Random;
  #silent = 0;
  /** 0: nothing is held against it. */
  #shutUntil = 0;
  #probing = false;
  #restMs = REST_MS.first;
  /** When its own word last brought the deciding call forward. */
  #spokeAt = -Infinity;
  /** Calls of which nothing was heard yet, and since when nothing was. */
  #waiting = 0;
  #waitingSince = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  isShut(now: number): boolean {
    return this.#shutUntil !== 0 && (now < this.#shutUntil || this.#probing);
  }

  /** Milliseconds in which something was asked and nothing was heard. */
  silentMs(now: number): number {
    return this.#waiting > 0 ? now - this.#waitingSince : 0;
  }

  /** A call sets out. @returns whether it is the one that decides */
  begin(now: number): boolean {
    if (this.#waiting === 0) this.#waitingSince = now;
    this.#waiting += 1;
    if (this.#shutUntil === 0 || this.isShut(now)) return false;
    this.#probing = true;
    return true;
  }

  /** The first word on one call came. */
  heard(now: number): void {
    this.#waiting -= 1;
    this.#waitingSince = now;
  }

  /** One call waits no longer, though nothing was heard. */
  gaveUp(): void {
    this.#waiting -= 1;
  }

  /** It answered, with whatever: a refusal is an answer. */
  answered(): void {
    this.#silent = 0;
    this.#shutUntil = 0;
    this.#probing = false;
    this.#restMs = REST_MS.first;
  }

  /** No answer came. @returns true when the neighbour is left alone from now on */
  silent(o: { now: number; probe: boolean }): boolean {
    this.#silent += 1;
    if (o.probe) this.#probing = false;
    const isNews = o.probe || (this.#shutUntil === 0 && this.#silent >= FAILURES);
    if (!isNews) return false;
    this.#shutUntil = o.now + this.#restMs * (0.5 + chance(this.#random));
    this.#restMs = Math.min(REST_MS.most, this.#restMs * 2);
    return true;
  }

  /** The deciding call ended without saying anything about the neighbour. */
  neutral(probe: boolean): void {
    if (probe) this.#probing = false;
  }

  /** It is there again, as far as its manifest goes: the next call decides at once. */
  seen(now: number): void {
    if (this.#shutUntil > now) this.#shutUntil = now;
  }

  /** It has called us: the next call decides at once, though not more often than every 4 s. Whom we hear may still not hear us. */
  spoke(now: number): void {
    if (this.#shutUntil <= now || now - this.#spokeAt < REST_MS.first) return;
    this.#spokeAt = now;
    this.#shutUntil = now;
  }
}

/** A number from 0 up to, and not, 1. */
export function chance(random: Random): number {
  const [a = 0, b = 0, c = 0, d = 0] = random(4);
  return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32;
}
