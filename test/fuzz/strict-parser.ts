import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseStrictJson } from "../../host/src/foundation/index.ts";
import { canonicalText } from "../../host/src/identity/index.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";

const SEEDS = ["request", "canonical", "event", "invite"].map((name) =>
  readFileSync(join(import.meta.dirname, "..", "vectors", `${name}.json`)).subarray(0, 2000),
);
const WORDS = [
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  '"a"',
  '"\\ud83d"',
  '"\\u0000"',
  "1",
  "-0",
  "1e999",
  "9007199254740993",
  "true",
  "nul",
  " ",
  "\n",
  '"__proto__"',
  "\ufeff",
  "0.1",
];

/** The strict parser under mutated documents and streams of tokens; what it accepts must survive its own canonical form. */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("strict-parser", {
    ...o,
    make,
    target: (input) => {
      const value = parseStrictJson(input, { maxBytes: 65_536 });
      const again = parseStrictJson(canonicalText(value));
      if (canonicalText(again) !== canonicalText(value)) throw new Error("the canonical form is not stable");
    },
  });
}

function make(chance: Chance): Uint8Array {
  if (chance(2) === 0) return mutate(SEEDS[chance(SEEDS.length)] ?? new Uint8Array(0), chance);
  if (chance(50) === 0) return Buffer.from("[".repeat(chance(5000)));
  return Buffer.from(Array.from({ length: chance(40) }, () => WORDS[chance(WORDS.length)]).join(""));
}
