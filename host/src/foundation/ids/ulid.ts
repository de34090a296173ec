import type { Clock, Random, Ulid } from "../../contract/index.ts";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** The 80 bits of chance as two numbers of 40, which a double holds exactly. */
const HALF = 2 ** 40;

export type UlidFactory = () => Ulid;

/** Crockford ULIDs that rise strictly, also within one millisecond and when the clock steps back. @source 00 §3, G-5 */
export function createUlidFactory(clock: Pick<Clock, "now">, random: Random): UlidFactory {
  let time = -1;
  let high = 0;
  let low = 0;
  return () => {
    const now = Math.floor(clock.now());
    if (now > time || (low === HALF - 1 && high === HALF - 1)) {
      time = Math.max(now, time + 1);
      const bytes = Buffer.from(random(10));
      high = bytes.readUIntBE(0, 5);
      low = bytes.readUIntBE(5, 5);
    } else if (low < HALF - 1) low += 1;
    else {
      low = 0;
      high += 1;
    }
    return encode(time, 10) + encode(high, 8) + encode(low, 8);
  };
}

/** Accepts what others mint: 26 characters 0-9 A-Z, opaque. @source 00 G-5 */
export function isUlid(value: unknown): value is Ulid {
  return typeof value === "string" && /^[0-9A-Z]{26}$/.test(value);
}

/** Request and trace ids of others. @source 00 G-5 */
export function isRequestId(value: unknown): value is string {
  return typeof value === "string" && /^[0-9A-Za-z_-]{8,64}$/.test(value);
}

function encode(value: number, length: number): string {
  let out = "";
  for (let i = 0; i < length; i++) {
    out = (ALPHABET[value % 32] ?? "") + out;
    value = Math.floor(value / 32);
  }
  return out;
}
