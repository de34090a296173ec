import type { Clock, Random } from "../../contract/index.ts";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** The last five symbols count; the rest is taken anew once per millisecond. */
const COUNT_MAX = 32 ** 5;
const CHANCE_SYMBOLS = 11;
/** Draws at a time: one for each id would cost more than the rest of it. */
const DRAWS = 32;

/**
 * Cheap ULIDs for calls that stay inside: clock and chance are asked once per millisecond.
 * @returns function of the monotonic time in milliseconds
 * @source 00 §3
 */
export function createCallIds(clock: Pick<Clock, "now">, random: Random): (monotonicMs: number) => string {
  let tick = -1;
  let time = -1;
  let prefix = "";
  let count = COUNT_MAX;
  let chance: Uint8Array = new Uint8Array(0);
  let used = 0;
  const drawn = (): Uint8Array => {
    if (used >= chance.byteLength) {
      chance = random(CHANCE_SYMBOLS * DRAWS);
      used = 0;
    }
    used += CHANCE_SYMBOLS;
    return chance.subarray(used - CHANCE_SYMBOLS, used);
  };
  return (monotonicMs) => {
    const ms = Math.floor(monotonicMs);
    if (ms !== tick || count >= COUNT_MAX) {
      tick = ms;
      time = Math.max(clock.now(), time + 1);
      prefix = encode(Math.floor(time), 10);
      for (const byte of drawn()) prefix += ALPHABET[byte & 31];
      count = 0;
    }
    return prefix + encode(count++, 5);
  };
}

function encode(value: number, length: number): string {
  let out = "";
  for (let i = 0; i < length; i++) {
    out = (ALPHABET[value % 32] ?? "") + out;
    value = Math.floor(value / 32);
  }
  return out;
}
