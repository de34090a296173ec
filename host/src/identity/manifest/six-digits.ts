import type { NodeId } from "../../contract/index.ts";
import { canonicalText } from "../canonical/write.ts";
import { verifyBytes } from "../sign/verify.ts";

const FRACTION = "\u0001fraction:";

/**
 * Second attempt for a node manifest of the Python dialect, which signs fractions as C's `%g` writes them: six significant digits.
 * @returns the manifest with each fraction replaced by the six digits that were authenticated, or null
 * @source 01 I-5 rule 2
 */
export function verifySixDigits<T extends object>(manifest: T, by: NodeId): T | null {
  const { signature, ...payload } = manifest as T & { signature?: unknown };
  if (typeof signature !== "string" || !holdsFraction(payload)) return null;
  // Fractions go through the one canonical writer as marked texts, and lose mark and quotes afterwards; a control character in other texts is always escaped.
  const text = canonicalText(map(payload, (x) => `${FRACTION}${formatSixDigits(x)}`)).replaceAll(
    /"\\u0001fraction:([^"]*)"/g,
    "$1",
  );
  if (holdsMark(payload) || !verifyBytes(Buffer.from(text), { by, signature })) return null;
  return map(manifest, (x) => Number(formatSixDigits(x))) as T;
}

/** C's `%g`: `51.5074`, `1.23457e+08`, `1e-07`. */
export function formatSixDigits(x: number): string {
  const [digits = "", power = "0"] = x.toExponential(5).split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return withoutZeros(x.toFixed(5 - exponent));
  return `${withoutZeros(digits)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function withoutZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function map(value: unknown, replace: (fraction: number) => unknown): unknown {
  if (typeof value === "number") return Number.isInteger(value) ? value : replace(value);
  if (Array.isArray(value)) return value.map((item) => map(item, replace));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(item, replace)]));
}

function holdsFraction(value: unknown): boolean {
  if (typeof value === "number") return !Number.isInteger(value);
  return typeof value === "object" && value !== null && Object.values(value).some(holdsFraction);
}

/** Someone else's text that looks like our mark would turn into a bare number. */
function holdsMark(value: unknown): boolean {
  if (typeof value === "string") return value.includes(FRACTION);
  return (
    typeof value === "object" &&
    value !== null &&
    Object.entries(value).some(([key, item]) => key.includes(FRACTION) || holdsMark(item))
  );
}
