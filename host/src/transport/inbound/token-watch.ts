import type { Clock, Timer, TokenDesk, VerifiedToken } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

/** Twice in the second within which a call must end after its token has. Milliseconds. */
const LOOK_MS = 500;

/** A call under way, on whatever lane it came. */
export interface Work {
  /** Ends it; its caller hears why. */
  end(error: HnError): void;
}

/**
 * Looks after the tokens of calls under way: one that has run out, was revoked or has lost the standing behind it ends its own calls and no others.
 * @source network.md §1.8, §7 scenario 13
 */
export class TokenWatch {
  readonly #desk: Pick<TokenDesk, "fault">;
  readonly #clock: Clock;
  readonly #live: Map<Work, VerifiedToken> = new Map();
  #timer: Timer | undefined;

  constructor(desk: Pick<TokenDesk, "fault">, clock: Clock) {
    this.#desk = desk;
    this.#clock = clock;
  }

  /** @returns says that the work is done with */
  follow(work: Work, token: VerifiedToken): () => void {
    this.#live.set(work, token);
    this.#arm();
    return () => void this.#live.delete(work);
  }

  /** Ends what has lost its ground. */
  look(): void {
    for (const [work, token] of this.#live) {
      const fault = this.#desk.fault(token);
      if (fault === null) continue;
      this.#live.delete(work);
      work.end(HnError.from(fault));
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
