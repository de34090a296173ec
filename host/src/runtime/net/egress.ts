/** Bytes that one plugin sent and got, over all its lives. @source plugin-platform §7 */
import type { Clock } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

const MINUTE_MS = 60_000;
const MINUTES = 60;

export interface EgressFigures {
  bytesIn: number;
  bytesOut: number;
  /** Of the last sixty minutes, which is what the limit counts. */
  bytesOutLastHour: number;
  limitBytes: number;
}

/** Counts by the minute: a quota of an hour needs no finer list, and none that grows with what is sent. */
export class EgressMeter {
  readonly #clock: Clock;
  readonly #minutes: number[] = Array.from({ length: MINUTES }, () => 0);
  #minute = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  /** Bytes an hour; the release that runs sets it. */
  limitBytes: number;

  constructor(clock: Clock, limitBytes: number) {
    this.#clock = clock;
    this.limitBytes = limitBytes;
  }

  /** Asked before bytes leave; a refusal leaves the count as it was. @throws quota_exceeded reason egress_used_up */
  spend(bytes: number): void {
    this.#turn();
    if (this.#lastHour() + bytes > this.limitBytes) {
      throw new HnError("quota_exceeded", { reason: "egress_used_up", retryAfterMs: this.#untilRoom() });
    }
    const slot = this.#minute % MINUTES;
    this.#minutes[slot] = (this.#minutes[slot] ?? 0) + bytes;
    this.#bytesOut += bytes;
  }

  received(bytes: number): void {
    this.#bytesIn += bytes;
  }

  figures(): EgressFigures {
    this.#turn();
    return {
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      bytesOutLastHour: this.#lastHour(),
      limitBytes: this.limitBytes,
    };
  }

  #lastHour(): number {
    return this.#minutes.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Until the oldest minute in which something was sent no longer counts. */
  #untilRoom(): number {
    for (let age = MINUTES - 1; age >= 0; age -= 1) {
      if ((this.#minutes[(this.#minute - age + MINUTES) % MINUTES] ?? 0) === 0) continue;
      return (this.#minute - age + MINUTES) * MINUTE_MS - this.#clock.monotonic();
    }
    return MINUTES * MINUTE_MS;
  }

  /** Empties the minutes that have passed since the last look. */
  #turn(): void {
    const minute = Math.floor(this.#clock.monotonic() / MINUTE_MS);
    for (let at = Math.max(this.#minute + 1, minute - MINUTES + 1); at <= minute; at += 1) this.#minutes[at % MINUTES] = 0;
    this.#minute = Math.max(this.#minute, minute);
  }
}
