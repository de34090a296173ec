/** What one plugin may use of others' time, minute by minute; it outlives the plugin's process. @source plugin-platform §7 */
import type { Clock, JsonObject } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { MinuteBudget } from "./minute-budget.ts";

export const CALLS_OUT_PER_MINUTE = 600;
const TOKEN_FIELDS = ["tokens_in", "tokens_out"];

/** Those who have proven to belong here, and everybody else: neither can use up the share of the other. */
export type Callers = "known" | "strangers";

export class CallBudget {
  readonly #clock: Clock;
  readonly #perMinute: number;
  readonly #in: Record<Callers, MinuteBudget> = { known: new MinuteBudget(), strangers: new MinuteBudget() };
  readonly #out = new MinuteBudget();
  readonly #tokens = new MinuteBudget();

  /** @param o.callsPerMinute  calls that each kind of caller may make to the plugin */
  constructor(o: { clock: Clock; callsPerMinute: number }) {
    this.#clock = o.clock;
    this.#perMinute = o.callsPerMinute;
  }

  /** Somebody calls the plugin. @throws rate_limited */
  takeIn(by: Callers): void {
    const wait = this.#in[by].take(this.#perMinute, this.#clock.monotonic());
    if (wait > 0) throw new HnError("rate_limited", { retryAfterMs: wait });
  }

  /**
   * The plugin calls somebody.
   * @param tokensPerMinute  of its grant; undefined: as many as there are
   * @throws quota_exceeded reason calls_per_minute | tokens_per_minute
   */
  takeOut(tokensPerMinute: number | undefined): void {
    const now = this.#clock.monotonic();
    const tokenWait = tokensPerMinute === undefined ? 0 : this.#tokens.wait(tokensPerMinute, now);
    if (tokenWait > 0) throw new HnError("quota_exceeded", { reason: "tokens_per_minute", retryAfterMs: tokenWait });
    const wait = this.#out.take(CALLS_OUT_PER_MINUTE, now);
    if (wait > 0) throw new HnError("quota_exceeded", { reason: "calls_per_minute", retryAfterMs: wait });
  }

  /** What an answer says it has cost: `done` of a stream, or an answer's output and meta. */
  noteTokens(...parts: readonly JsonObject[]): void {
    let most = 0;
    for (const part of parts) {
      const sum = TOKEN_FIELDS.reduce((all, field) => all + tokens(part[field]), 0);
      most = Math.max(most, sum);
    }
    if (most > 0) this.#tokens.spend(most, this.#clock.monotonic());
  }
}

function tokens(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}
