import assert from "node:assert/strict";
import test from "node:test";
import type { Box } from "../../src/raster/transform.ts";
import { composePage, preparePage } from "../../src/worker/page.ts";
import type { Word } from "../../src/worker/recogniser.ts";
import { drawPage } from "../support/drawn-page.ts";

const about = { statedDpi: null, defaultDpi: 300, pre: {} };

/** Words of one line each; `¶` in front starts a paragraph, a number behind `/` is the confidence in per cent, `:eng` the language. */
function wordsOf(...lines: string[]): Word[] {
  return lines.flatMap((line) =>
    line.split(" ").map((part, index) => {
      const [, start, text, confidence, language] = /^(¶?)(.+?)(?:\/(\d+))?(?::(\w+))?$/.exec(part) ?? [];
      return {
        text: text ?? "",
        box: [index * 10, 0, 8, 10] as Box,
        confidence: Number(confidence ?? 90) / 100,
        language: language ?? "deu",
        startsLine: index === 0,
        startsParagraph: start === "¶",
      };
    }),
  );
}

const same = (box: Box): Box => box;

test("puts words together with blanks, line ends and empty lines between paragraphs", () => {
  const words = wordsOf("¶Guten Tag", "und hallo", "¶Bis bald");
  assert.equal(composePage(words, 0.5, same).text, "Guten Tag\nund hallo\n\nBis bald");
});

test("leaves out words below the asked confidence, but not the line end they stood at (22 §2)", () => {
  const page = composePage(wordsOf("¶~/10 gut gut |/20", "§/5 weiter so"), 0.5, same);
  assert.equal(page.text, "gut gut\nweiter so");
  assert.equal(page.blocks.length, 4);
  assert.ok(page.blocks.every((block) => block.confidence >= 0.5));
});

test("keeps a word the dictionary does not know in a well-read line, and drops it in a line of rubbish", () => {
  const good = composePage(wordsOf("¶schreibt an hilfe/0 @example.org/0 oder ruft an"), 0.5, same);
  assert.ok(good.text.includes("hilfe @example.org oder"));
  assert.equal(good.blocks[2]?.confidence, 0.54);
  assert.equal(composePage(wordsOf("¶1opuy/7 zig/35 gley/40"), 0.5, same).text, "");
});

test("the mean counts every word that was found, so that a bad page shows (22 rule 6)", () => {
  assert.equal(composePage(wordsOf("¶a/90 b/10"), 0.5, same).confidenceMean, 0.5);
  assert.equal(composePage([], 0.5, same).confidenceMean, 0);
});

test("names languages by the words they read, most first, and none for a stray word", () => {
  const words = wordsOf(`¶${"wort ".repeat(12)}word:eng ${"mot:fra ".repeat(3)}ende`);
  assert.deepEqual(composePage(words, 0.5, same).languages, ["deu", "fra"]);
});

test("turns a slanted page and leads boxes back to the source; asked not to, leaves it (22 rule 5)", () => {
  const page = drawPage({ width: 900, height: 1200, degrees: 3 });
  const straight = preparePage(page, about);
  assert.ok(Math.abs(straight.skew - 3) <= 0.15);
  const [x, y, w, h] = straight.toSource([straight.page.width / 2 - 10, straight.page.height / 2 - 10, 20, 20]);
  assert.ok(Math.abs(x + w / 2 - 450) <= 1.5 && Math.abs(y + h / 2 - 600) <= 1.5);
  const kept = preparePage(page, { ...about, pre: { deskew: false } });
  assert.deepEqual([kept.skew, kept.page.width], [0, 900]);
});

test("boxes of a reduced picture are in pixels of the picture that was sent", () => {
  const page = drawPage({ width: 1600, height: 1200, degrees: 0, letter: 24 });
  const reduced = preparePage(page, { ...about, statedDpi: 600 });
  assert.equal(reduced.page.width, 800);
  assert.deepEqual(reduced.toSource([10, 20, 30, 40]), [20, 40, 60, 80]);
});

test("preprocessing is done when asked for (22 O7)", () => {
  const page = drawPage({ width: 500, height: 400, degrees: 0 });
  const { page: black, flattened } = preparePage(page, {
    ...about,
    pre: { binarize: true, denoise: true, contrast_normalise: true },
  });
  assert.ok(flattened && black.data.every((value) => value === 0 || value === 255));
});
