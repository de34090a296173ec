import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Glyph } from "../../src/pdf/glyph.ts";
import { readInOrder } from "../../src/pdf/reading-order.ts";

const WIDTH = 5;
const HEIGHT = 11;

interface Spot {
  text: string;
  x: number;
  y: number;
  turned?: boolean;
}

/** Letters of one width, as a typewriter sets them; the blank is a gap. */
function typed(spots: Spot[]): Glyph[] {
  return spots.flatMap(({ text, x, y, turned = false }) =>
    [...text].flatMap((letter, index) =>
      letter === " "
        ? []
        : [{ text: letter, x: x + index * WIDTH, y, w: WIDTH, h: HEIGHT, apart: index === 0 || text[index - 1] === " ", turned }],
    ),
  );
}

function lines(texts: string[], x: number, y: number): Spot[] {
  return texts.map((text, index) => ({ text, x, y: y + index * 14 }));
}

const LEFT = ["Im Keller stehen drei", "Regale mit Vorräten für", "den Winter bereit und", "warten auf den Schnee"];
const RIGHT = ["Wer etwas entnimmt der", "trägt es in die Liste ein", "und sagt dem Wart davon", "am selben Abend noch"];
const WIDE = "Aushang für alle Bewohnerinnen und Bewohner des Hauses Nummer sieben";

const ROTATED: Spot = { text: "ENTWURF gültig", x: 200, y: 400, turned: true };

/** @source 22 O2 */
const PAGES: [name: string, spots: Spot[], text: string][] = [
  ["lines from top to bottom, whatever their order in the file", lines(LEFT, 50, 50).toReversed(), LEFT.join("\n")],
  [
    "words of a line from left to right",
    [
      { text: "Welt", x: 90, y: 50 },
      { text: "Hallo", x: 50, y: 50 },
    ],
    "Hallo Welt",
  ],
  [
    "two clear columns one after the other, though the file goes line by line",
    LEFT.flatMap((text, index) => [
      { text, x: 50, y: 50 + index * 14 },
      { text: RIGHT[index] ?? "", x: 220, y: 50 + index * 14 },
    ]),
    `${LEFT.join("\n")}\n\n${RIGHT.join("\n")}`,
  ],
  [
    "columns whose lines do not stand side by side",
    [...lines(LEFT, 50, 50), ...lines(RIGHT, 220, 57)],
    `${LEFT.join("\n")}\n\n${RIGHT.join("\n")}`,
  ],
  [
    "a heading and a footing across two columns",
    [{ text: WIDE, x: 50, y: 20 }, ...lines(LEFT, 50, 50), ...lines(RIGHT, 220, 50), { text: WIDE, x: 50, y: 120 }],
    `${WIDE}\n\n${LEFT.join("\n")}\n\n${RIGHT.join("\n")}\n\n${WIDE}`,
  ],
  [
    "three columns",
    [...lines(LEFT, 50, 50), ...lines(RIGHT, 200, 50), ...lines(LEFT, 350, 50)],
    [LEFT, RIGHT, LEFT].map((column) => column.join("\n")).join("\n\n"),
  ],
  [
    "a table line by line, for its cells are no columns of text",
    [
      ...lines(["Kerzen", "Batterien", "Decken", "Wasser"], 50, 50),
      ...lines(["12 Stück", "40 Stück", "7 Stück", "90 Liter"], 220, 50),
    ],
    "Kerzen 12 Stück\nBatterien 40 Stück\nDecken 7 Stück\nWasser 90 Liter",
  ],
  [
    "an empty line between blocks",
    [...lines(LEFT, 50, 50), ...lines(RIGHT, 50, 140)],
    `${LEFT.join("\n")}\n\n${RIGHT.join("\n")}`,
  ],
  [
    "an exponent on its line",
    [
      { text: "Fläche 12 m", x: 50, y: 50 },
      { text: "2", x: 106, y: 47 },
    ],
    "Fläche 12 m 2",
  ],
  ["text that stands askew at the end", [ROTATED, ...lines(LEFT, 50, 50)], `${LEFT.join("\n")}\n\nENTWURF gültig`],
  [
    "two parts of a page with columns one after the other",
    [...lines(LEFT, 50, 50), ...lines(RIGHT, 220, 50), ...lines(LEFT, 50, 160), ...lines(RIGHT, 220, 160)],
    [LEFT, RIGHT, LEFT, RIGHT].map((column) => column.join("\n")).join("\n\n"),
  ],
  ["nothing on an empty page", [], ""],
];

for (const [name, spots, text] of PAGES) test(`reads ${name} (22 O2)`, () => assert.equal(readInOrder(typed(spots)), text));

test("reads words of a script that runs from right to left in its direction (22 O2)", () => {
  const word = (text: string, x: number): Glyph[] =>
    [...text].map((letter, index) => ({
      text: letter,
      x: x - (index + 1) * WIDTH,
      y: 50,
      w: WIDTH,
      h: HEIGHT,
      apart: index === 0,
      turned: false,
    }));
  assert.equal(readInOrder([...word("שלום", 200), ...word("עולם", 175)]), "שלום עולם");
});

test("ends a word where the next letter stands elsewhere, though the file has no blank between them", () => {
  const glyphs = typed([
    { text: "Summe", x: 50, y: 50 },
    { text: "12", x: 300, y: 50 },
    { text: "unten", x: 310, y: 80 },
  ]).map((glyph) => ({ ...glyph, apart: false }));
  assert.equal(readInOrder(glyphs), "Summe 12\n\nunten");
});

test("joins a word that the end of a line breaks, also from one column to the next line of the same", () => {
  const left = ["Im Keller liegen Vor-", "räte für den Winter da", "und warten auf Schnee"];
  const text = readInOrder(typed([...lines(left, 50, 50), ...lines(RIGHT, 220, 50)]));
  assert.match(text, /^Im Keller liegen Vorräte für den Winter da\n/);
});

const WORD = fc.stringMatching(/^[a-z]{1,8}$/);
const SPOT = fc.record({
  text: fc.array(WORD, { minLength: 1, maxLength: 5 }).map((words) => words.join(" ")),
  x: fc.integer({ min: 0, max: 500 }),
  y: fc.integer({ min: 0, max: 800 }),
});
const seed = { seed: Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31), numRuns: 500 };

test("loses and adds no letter, wherever words stand", () => {
  const letters = (text: string): string => [...text.replace(/\s/g, "")].toSorted().join("");
  fc.assert(
    fc.property(fc.array(SPOT, { maxLength: 40 }), (spots) => {
      assert.equal(letters(readInOrder(typed(spots))), letters(spots.map(({ text }) => text).join("")));
    }),
    seed,
  );
});

test("depends on where words stand, not on their order in the file nor where the page begins", () => {
  const grid = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 40 })), {
    maxLength: 60,
    selector: String,
  });
  fc.assert(
    fc.property(grid, fc.integer(), fc.nat(300), (places, turn, shift) => {
      const spots = places.map(([column, row]) => ({ text: `w${column}x${row}`, x: column * 60, y: row * 14 }));
      const text = readInOrder(typed(spots));
      const other = spots.toSorted((a, b) => ((a.x * 31 + a.y * 17) ^ turn) - ((b.x * 31 + b.y * 17) ^ turn));
      assert.equal(readInOrder(typed(other)), text);
      assert.equal(readInOrder(typed(spots.map(({ x, y, ...spot }) => ({ ...spot, x: x + shift, y: y + shift })))), text);
    }),
    seed,
  );
});

test("a page with a hundred thousand letters is done in no time", () => {
  const spots = Array.from({ length: 20_000 }, (_, n) => ({ text: "abcde", x: (n % 7) * 80, y: n * 3 }));
  assert.ok(readInOrder(typed(spots)).length > 100_000);
});
