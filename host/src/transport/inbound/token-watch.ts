import type { EventEmitter } from "node:events";
import type { Clock, Timer, TokenDesk, VerifiedToken } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Visit } from "./visits.ts";

/** Twice in the second within which a call must end after its token has. Milliseconds. */
const LOOK_MS = 500;

/**
 * Looks after the tokens of calls under way: one that has run out, was revoked or has lost the standing behind it ends its own calls and no others.
 * @source network.md §1.8, §7 scenario 13
 */
export class TokenWatch {
  readonly #desk: Pick<TokenDesk, "fault">;
  readonly #clock: Clock;
  readonly #live: Map<Visit, VerifiedToken> = new Map();
  #timer: Timer | undefined;

  constructor(desk: Pick<TokenDesk, "fault">, clock: Clock) {
    this.#desk = desk;
    this.#clock = clock;
  }

  /** @param carrier  what closes when the work is done with: a response, or a connection of its own */
  follow(visit: Visit, token: VerifiedToken, carrier: EventEmitter & { destroyed: boolean }): void {
    if (carrier.destroyed) return;
    this.#live.set(visit, token);
    carrier.once("close", () => this.#live.delete(visit));
    this.#arm();
  }

  /** Ends what has lost its ground. */
  look(): void {
    for (const [visit, token] of this.#live) {
      const fault = this.#desk.fault(token);
      if (fault === null) continue;
      this.#live.delete(visit);
      visit.end(HnError.from(fault));
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#live.clear();
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#live.size === 0) return;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.look();
      this.#arm();
    }, LOOK_MS);
  }
}
