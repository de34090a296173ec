import type { Clock, Random, Ulid } from "../../contract/index.ts";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** Two symbols at a time. */
const PAIRS: readonly string[] = Array.from(ALPHABET, (first) => Array.from(ALPHABET, (second) => first + second)).flat();
/** The 80 bits of chance as two numbers of 40, which a double holds exactly. */
const HALF = 2 ** 40;
const CHANCE_BYTES = 10;
const DRAW = 32;

export type UlidFactory = () => Ulid;

/** Crockford ULIDs that rise strictly, also within one millisecond and when the clock steps back. @source 00 §3, G-5 */
export function createUlidFactory(clock: Pick<Clock, "now">, random: Random): UlidFactory {
  const chance = pool(random);
  let time = -1;
  let high = 0;
  let low = 0;
  /** Time and the higher half as text: they change once a millisecond. */
  let start = "";
  return () => {
    const now = Math.floor(clock.now());
    if (now > time || (low === HALF - 1 && high === HALF - 1)) {
      time = Math.max(now, time + 1);
      const bytes = chance();
      high = bytes.readUIntBE(0, 5);
      low = bytes.readUIntBE(5, 5);
      start = encode(time, 10) + encode(high, 8);
    } else if (low < HALF - 1) low += 1;
    else {
      low = 0;
      high += 1;
      start = encode(time, 10) + encode(high, 8);
    }
    return start + encode(low, 8);
  };
}

/** Ten bytes at a time out of a larger draw: a draw of its own for each id would cost more than the rest of it. */
function pool(random: Random): () => Buffer {
  let bytes = Buffer.alloc(0);
  return () => {
    if (bytes.byteLength < CHANCE_BYTES) bytes = Buffer.from(random(CHANCE_BYTES * DRAW));
    const taken = bytes.subarray(0, CHANCE_BYTES);
    bytes = bytes.subarray(CHANCE_BYTES);
    return taken;
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

/**
 * The same id, which was found to be of plain letters, with memory of its own. What is cut out of a text keeps the whole text alive, and an id is remembered for long after the message of a
 * megabyte that it came with.
 */
export function ownId(id: string): string {
  return Buffer.from(id, "latin1").toString("latin1");
}

/** @param length  even */
function encode(value: number, length: number): string {
  let out = "";
  for (let i = 0; i < length; i += 2) {
    out = (PAIRS[value % 1024] ?? "") + out;
    value = Math.floor(value / 1024);
  }
  return out;
}
