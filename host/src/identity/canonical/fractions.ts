import { HnError } from "../../foundation/index.ts";

const DIGITS = 6;
const SMALLEST = 1e-4;

/**
 * Guards what we author and sign: fractions with at most six significant digits and at least 1e-4, so that every dialect writes the same digits.
 * The value has passed `canonicalText`, so it is bounded in depth.
 * @throws bad_request
 * @source 01 I-5
 */
export function checkSignable(value: unknown): void {
  if (typeof value === "number") {
    if (roundFraction(value) !== value)
      throw new HnError("bad_request", {
        message: "A signed fraction may have six significant digits at most; send finer values as text or scaled integers.",
      });
  } else if (typeof value === "object" && value !== null) for (const item of Object.values(value)) checkSignable(item);
}

/**
 * A copy whose fractions all pass `checkSignable`; integers, texts and order of keys stay.
 * @source 01 I-5 "round before signing"
 */
export function roundFractions<T>(value: T): T {
  return round(value) as T;
}

function round(value: unknown): unknown {
  if (typeof value === "number") return roundFraction(value);
  if (Array.isArray(value)) return value.map(round);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, round(item)]));
}

function roundFraction(value: number): number {
  if (Number.isInteger(value) || !Number.isFinite(value)) return value;
  if (Math.abs(value) < SMALLEST) return 0;
  // From 1e5 on, six digits leave no room for a fraction; rounding to an integer keeps all digits before the point.
  return Math.abs(value) >= 10 ** (DIGITS - 1) ? Math.round(value) : Number(value.toPrecision(DIGITS));
}
