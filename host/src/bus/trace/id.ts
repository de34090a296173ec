import type { Clock, Random } from "../../contract/index.ts";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_SYMBOLS = 10;
const CHANCE_SYMBOLS = 11;
/** The last symbols count; the rest is taken anew once per millisecond. */
const COUNT_SYMBOLS = 5;
const COUNT_MAX = 32 ** COUNT_SYMBOLS;
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
  let count = COUNT_MAX;
  // Written in place and read as one piece: a text put together from parts makes JSON take its slow way with the whole message.
  const id = Buffer.alloc(TIME_SYMBOLS + CHANCE_SYMBOLS + COUNT_SYMBOLS);
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
      write(id, { at: 0, symbols: TIME_SYMBOLS, value: Math.floor(time) });
      for (const [i, byte] of drawn().entries()) id[TIME_SYMBOLS + i] = ALPHABET.charCodeAt(byte & 31);
      count = 0;
    }
    write(id, { at: TIME_SYMBOLS + CHANCE_SYMBOLS, symbols: COUNT_SYMBOLS, value: count++ });
    return id.toString("latin1");
  };
}

/** The value in base 32, highest symbol first. */
function write(target: Buffer, o: { at: number; symbols: number; value: number }): void {
  let { value } = o;
  for (let place = o.at + o.symbols - 1; place >= o.at; place--) {
    target[place] = ALPHABET.charCodeAt(value % 32);
    value = Math.floor(value / 32);
  }
}
