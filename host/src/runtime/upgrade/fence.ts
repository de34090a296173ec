/** Stands before a plugin's places on the bus while one release has stopped and the next does not serve yet. @source plugin-platform §6.4.2, §6.4.7 */
import type { Cancellation, Clock, DispatchedCall, Frame, JsonObject, Reply } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Guard, Session } from "../broker/index.ts";

const WAITING_MAX = 256;
const RETRY_MS = 1000;

export class Fence {
  readonly #clock: Clock;
  readonly #waitMs: number;
  readonly #lifted = Promise.withResolvers<Session | undefined>();
  #waiting = 0;

  /** @param o.waitMs  so long calls wait, at most 256 of them; with 0 they are told at once to come again */
  constructor(o: { clock: Clock; waitMs: number }) {
    this.#clock = o.clock;
    this.#waitMs = o.waitMs;
  }

  readonly guard: Guard = (ref, call, cancellation) => {
    if (this.#waitMs === 0 || this.#waiting >= WAITING_MAX) throw refused();
    return call.stream ? this.#stream(ref, call, cancellation) : this.#call(ref, call, cancellation);
  };

  /** Calls that wait go on to this process; undefined: there is none, and they are told to come again. */
  lift(session: Session | undefined): void {
    this.#lifted.resolve(session);
  }

  async #call(ref: string, call: DispatchedCall, cancellation: Cancellation): Promise<Reply> {
    const session = await this.#passage(ref);
    return (await session.dispatch(ref, call, cancellation)) as Reply;
  }

  async *#stream(ref: string, call: DispatchedCall, cancellation: Cancellation): AsyncGenerator<Frame, JsonObject, void> {
    const session = await this.#passage(ref);
    return yield* session.dispatch(ref, call, cancellation) as AsyncGenerator<Frame, JsonObject, void>;
  }

  async #passage(ref: string): Promise<Session> {
    this.#waiting += 1;
    const late = Promise.withResolvers<undefined>();
    const timer = this.#clock.setTimeout(() => late.resolve(undefined), this.#waitMs);
    try {
      const session = await Promise.race([this.#lifted.promise, late.promise]);
      if (session?.process.running !== true || !session.capabilities.refs.includes(ref)) throw refused();
      return session;
    } finally {
      timer.cancel();
      this.#waiting -= 1;
    }
  }
}

function refused(): HnError {
  return new HnError("capacity_exceeded", {
    message: "Another version of the plugin takes over at this moment.",
    action: "Try again in a second.",
    retryAfterMs: RETRY_MS,
  });
}
