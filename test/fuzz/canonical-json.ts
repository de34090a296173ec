import canonicalize from "canonicalize";
import { parseStrictJson } from "../../host/src/foundation/index.ts";
import { canonicalBytes, canonicalText } from "../../host/src/identity/index.ts";
import { feed, type FuzzReport } from "./harness.ts";
import { jsonText } from "./inputs/json-text.ts";

const SLOW_MS = 50;

/**
 * The canonical writer beside RFC 8785 on I-JSON, whose one deviation is the order of keys from U+D800 on: those texts are compared by their
 * characters. Writing, reading and writing again must change nothing.
 * @source 01 §3, network.md §2.3 "JCS"
 */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("canonical-json", { ...o, slowMs: SLOW_MS, make: (chance) => Buffer.from(jsonText(chance)), target: compare });
}

function compare(input: Uint8Array): void {
  const value = parseStrictJson(input);
  const text = canonicalText(value);
  const expected = canonicalize(value) ?? "";
  const reordered = /[\ud800-\uffff]/.test(text);
  if (reordered ? characters(text) !== characters(expected) : text !== expected)
    throw new Error(`wrote ${text} instead of ${expected}`);
  if (canonicalText(parseStrictJson(text)) !== text) throw new Error("the canonical form of the canonical form differs");
  if (Buffer.from(canonicalBytes(value)).toString() !== text) throw new Error("bytes and text differ");
}

function characters(text: string): string {
  return [...text].sort().join("");
}
