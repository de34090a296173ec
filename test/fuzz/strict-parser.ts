import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HnError, parseStrictJson } from "../../host/src/foundation/index.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";
import { jsonText, oneIn, pick } from "./inputs/json-text.ts";

const SLOW_MS = 50;
const VECTORS = ["request", "canonical", "event", "invite"].map((name) =>
  readFileSync(join(import.meta.dirname, "..", "vectors", `${name}.json`)).subarray(0, 2000),
);
/** What the rules of 01 I-4 refuse although it is JSON. */
const STRICTER = new Set(["json_duplicate_key", "json_too_deep", "json_unsafe_number", "json_forbidden_key"]);
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The strict parser against made-up, broken and mutated JSON, with `JSON.parse` as a second reader: what the strict one takes, the other reads
 * to the same value; what only the other takes is refused for one of the rules of 01 I-4.
 */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("strict-parser", { ...o, slowMs: SLOW_MS, make, target: compare });
}

function make(chance: Chance): Uint8Array {
  if (oneIn(chance, 20)) return Uint8Array.from({ length: chance(64) }, () => chance(256));
  const bytes = oneIn(chance, 4) ? pick(chance, VECTORS) : Buffer.from(jsonText(chance));
  return oneIn(chance, 2) ? mutate(bytes, chance) : bytes;
}

function compare(input: Uint8Array): void {
  const second = lenient(input);
  try {
    const value = parseStrictJson(input);
    if (second === undefined) throw new Error("took what JSON.parse refuses");
    if (JSON.stringify(value) !== JSON.stringify(second.value) && !input.includes(0x5c))
      throw new Error("read another value than JSON.parse");
  } catch (error) {
    if (second === undefined || !HnError.isHnError(error)) throw error;
    const halfCharacter = error.reason === "json_invalid" && /\\ud[89a-f]/i.test(Buffer.from(input).toString("latin1"));
    if (error.code !== "bad_request" || !(STRICTER.has(error.reason ?? "") || halfCharacter))
      throw new Error(`refused sound JSON as ${error.reason}`, { cause: error });
    throw error;
  }
}

/**
 * JSON.parse is no judge of inputs with a backslash: V8 may give an escaped key the name of an earlier one that ends in a backslash
 * (nodejs/node#63785), which is why the strict parser does not rest on it.
 */
function lenient(input: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(decoder.decode(input)) as unknown };
  } catch {
    return undefined;
  }
}
