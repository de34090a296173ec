const MINUTE_MS = 60_000;
/** Tokens of the last minute; beyond these nobody new gets in until some have been quiet. */
const TOKENS_MAX = 10_000;
/** More than any caller's own limit lets through in a minute (02 §6), so that a list stays short whatever the token says. */
const RATE_MAX = 6000;

/** Calls of the last minute per token; in memory. @source 05 §7 */
export class MinuteWindows {
  readonly #calls: Map<string, number[]> = new Map();

  /**
   * @param now  monotonic milliseconds
   * @returns 0 when it was taken, else milliseconds until there is room
   */
  take(key: string, o: { perMinute: number; now: number }): number {
    const rate = Math.min(o.perMinute, RATE_MAX);
    const calls = (this.#calls.get(key) ?? []).filter((at) => at > o.now - MINUTE_MS);
    if (calls.length >= rate) {
      const frees = calls[calls.length - rate];
      return frees === undefined ? MINUTE_MS : Math.max(1, Math.ceil(frees + MINUTE_MS - o.now));
    }
    if (!this.#calls.has(key) && this.#calls.size >= TOKENS_MAX) {
      this.#forgetQuiet(o.now);
      if (this.#calls.size >= TOKENS_MAX) return MINUTE_MS;
    }
    calls.push(o.now);
    this.#calls.set(key, calls);
    return 0;
  }

  #forgetQuiet(now: number): void {
    for (const [key, calls] of this.#calls) if ((calls.at(-1) ?? 0) <= now - MINUTE_MS) this.#calls.delete(key);
  }
}
