import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { tidyText } from "../../src/pdf/tidy-text.ts";

/** @source 22 O2 */
const TEXTS: [name: string, raw: string, tidy: string][] = [
  ["spells ligatures out", "ﬁnden, Aﬀe, ﬂach, oﬃziell, ﬅark", "finden, Affe, flach, offiziell, stark"],
  ["leaves other compatibility characters", "5 m², ½ Liter, №7", "5 m², ½ Liter, №7"],
  ["composes", "Schlu\u0308ssel", "Schlüssel"],
  ["removes soft hyphens inside a line", "Keller\u00ADschlüssel", "Kellerschlüssel"],
  ["joins a word broken with a hyphen", "Keller-\nschlüssel", "Kellerschlüssel"],
  ["joins a word broken with a soft hyphen", "Keller\u00AD\nschlüssel", "Kellerschlüssel"],
  ["joins a word broken with the typographic hyphen", "Keller\u2010\nschlüssel", "Kellerschlüssel"],
  ["does not join before a capital", "Müller-\nLüdenscheidt", "Müller-\nLüdenscheidt"],
  ["does not join after a digit", "90-\njährig", "90-\njährig"],
  ["does not join a list", "-\nschlüssel", "-\nschlüssel"],
  ["does not join across blocks", "Keller-\n\nschlüssel", "Keller-\n\nschlüssel"],
  ["takes every line end for one", "eins\r\nzwei\rdrei", "eins\nzwei\ndrei"],
  ["keeps one empty line between blocks", "eins\n \n\n\nzwei", "eins\n\nzwei"],
  ["keeps one blank between words", "eins \u00A0\t zwei", "eins zwei"],
  ["removes controls and marks without width", "e\u0000i\u200Bn\uFEFFs\u0007", "eins"],
];

for (const [name, raw, tidy] of TEXTS) test(`${name} (22 O2)`, () => assert.equal(tidyText(raw), tidy));

const pieces = fc.constantFrom(
  "a",
  "B",
  "u\u0308",
  "ü",
  "ﬁ",
  "\u00AD",
  "-",
  "\u2010",
  "\n",
  "\r",
  " ",
  "\u0301",
  "\u200B",
  "7",
  "\f",
  "ﬅ",
);
const texts = fc.oneof(
  fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join("")),
  fc.string({ unit: "grapheme" }),
);

test("what is tidy stays as it is, composed and without soft hyphens, whatever comes in", () => {
  fc.assert(
    fc.property(texts, (raw) => {
      const tidy = tidyText(raw);
      assert.equal(tidyText(tidy), tidy);
      assert.equal(tidy.normalize("NFC"), tidy);
      assert.doesNotMatch(tidy, /[\u00AD\uFB00-\uFB06\r\f]|\n{3}| \n|\n | {2}/);
    }),
    { seed: Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31), numRuns: 2000 },
  );
});
