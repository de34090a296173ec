import { randomBytes } from "node:crypto";

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A ULID: under it the host appends an event once, however often it is asked. @param now  Unix milliseconds */
export function newClientId(now: number): string {
  const chance = randomBytes(10).toString("hex");
  let rest = (BigInt(now) << 80n) | BigInt(`0x${chance}`);
  let id = "";
  for (let place = 0; place < 26; place += 1, rest >>= 5n) id = `${DIGITS[Number(rest & 31n)]}${id}`;
  return id;
}
