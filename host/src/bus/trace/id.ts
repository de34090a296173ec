import type { Clock, Random } from "../../contract/index.ts";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Cheap ULIDs for calls that stay inside: the clock and the chance part are taken once per millisecond, the last 25 bits count. @source 00 §3 */
export function createCallIds(clock: Pick<Clock, "now">, random: Random): () => string {
  let time = -1;
  let prefix = "";
  let count = 0;
  return () => {
    const now = clock.now();
    if (now > time || count >= 0x1ffffff) {
      time = Math.max(now, time + 1);
      const chance = random(11);
      prefix = encode(time, 10);
      for (const byte of chance) prefix += ALPHABET[byte & 31];
      count = 0;
    }
    count += 1;
    return prefix + encode(count, 5);
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
