import type { Clock, Random, Ulid } from "../../contract/index.ts";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const MAX_CHANCE = (1n << 80n) - 1n;

export type UlidFactory = () => Ulid;

/** Crockford ULIDs that rise strictly, also within one millisecond and when the clock steps back. @source 00 §3, G-5 */
export function createUlidFactory(clock: Pick<Clock, "now">, random: Random): UlidFactory {
  let time = -1;
  let chance = 0n;
  return () => {
    const now = Math.floor(clock.now());
    if (now > time || chance === MAX_CHANCE) {
      time = Math.max(now, time + 1);
      chance = BigInt(`0x${Buffer.from(random(10)).toString("hex")}`);
    } else chance += 1n;
    return encode(BigInt(time), 10) + encode(chance, 16);
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

function encode(value: bigint, length: number): string {
  let out = "";
  for (let i = 0; i < length; i++) {
    out = (ALPHABET[Number(value & 31n)] ?? "") + out;
    value >>= 5n;
  }
  return out;
}
