import assert from "node:assert/strict";
import test from "node:test";
import { isUsableLayer } from "../../src/pdf/layer-quality.ts";

const SENTENCE = "Der Schlüssel für den Keller hängt im Flur.";
const scan = 0.9;
const none = 0;

/** Each row is a page's text, how much of it pictures cover, and whether the text is taken. @source 22 O1 */
const PAGES: [name: string, text: string, imageShare: number, usable: boolean][] = [
  ["a sentence", SENTENCE, none, true],
  ["a sentence over a scan, as programs that have read it leave behind", SENTENCE, scan, true],
  ["24 characters over a scan", "abcd ".repeat(6), scan, false],
  ["25 characters over a scan", `${"abcd ".repeat(5)}abcde`, scan, true],
  ["24 characters beside a picture of half the page", "abcd ".repeat(6), 0.5, true],
  ["a stamp over a scan", "Eingegangen 3. März", scan, false],
  ["nothing on an empty page", "", none, true],
  ["nothing on a scan", "", scan, false],
  ["nothing but blanks on a scan", " \n\t ".repeat(40), scan, false],
  ["a page number alone, a word of one character", "7", none, false],
  ["one unknown character in twenty", `${"Wort ".repeat(4)}Wor\uFFFD`, none, true],
  ["one unknown character in ten", "Worte\uFFFDwort ".repeat(6), none, false],
  ["characters of a font's private use", "\uE001\uE002\uE003\uE004 ".repeat(10), none, false],
  ["six of ten are letters", "abcabc++== ".repeat(5), none, true],
  ["half are letters", "abcab++==+ ".repeat(5), none, false],
  ["words of one letter: a font without word spacing", "D e r S c h l ü s s e l f ü r d e n K e l l e r", none, false],
  ["words of two letters", "da du er es so wo ja ob im um zu an ab in", none, true],
  ["words of fifteen letters", "Kellerschlüssel ".repeat(4), none, true],
  ["words of sixteen letters: no word spaces at all", "Kellerschlüssels ".repeat(4), none, false],
  ["decomposed umlauts, which count as letters", "Schlu\u0308ssel fu\u0308r Tu\u0308ren ".repeat(2), none, true],
  ["soft hyphens, which nobody sees", "\u00AD".repeat(400) + SENTENCE, none, true],
  ["far more than a page holds", "Wort ".repeat(30_000), none, false],
];

for (const [name, text, imageShare, usable] of PAGES)
  test(`${usable ? "takes" : "does not take"} ${name} (22 O1)`, () => {
    assert.equal(isUsableLayer({ text, imageShare }), usable);
  });
