import type { Glyph } from "./glyph.ts";

/** A word where it stands on the page, in points from the upper left corner. */
export interface PlacedWord {
  text: string;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Letters of one word lie no further apart, as a share of their height: a jump is another place of the page. */
const NEAR = 1;
/** Share of the lower letter's height by which neighbours must lie on one line. */
const SAME_LINE = 0.5;
const SPACE = /^\s*$/u;

/**
 * Puts characters together to words, in the order of the document's commands, which within a word is that of its letters.
 * @returns `turned`: text of words that do not run from left to right, in that order
 */
export function wordsOf(glyphs: Glyph[]): { words: PlacedWord[]; turned: string[] } {
  const words: PlacedWord[] = [];
  const turned: string[] = [];
  let open: PlacedWord | null = null;
  let last: Glyph | null = null;
  let apart = true;
  for (const glyph of glyphs) {
    apart ||= glyph.apart;
    if (SPACE.test(glyph.text)) {
      apart = true;
      continue;
    }
    const goes = !apart && last !== null && last.turned === glyph.turned && (glyph.turned || follows(last, glyph));
    if (glyph.turned) {
      if (goes) turned.push((turned.pop() ?? "") + glyph.text);
      else turned.push(glyph.text);
    } else if (goes && open !== null) extend(open, glyph);
    else words.push((open = begin(glyph)));
    last = glyph;
    apart = false;
  }
  return { words, turned };
}

function follows(last: Glyph, glyph: Glyph): boolean {
  const height = Math.min(last.h, glyph.h);
  const shared = Math.min(last.y + last.h, glyph.y + glyph.h) - Math.max(last.y, glyph.y);
  const gap = Math.max(last.x, glyph.x) - Math.min(last.x + last.w, glyph.x + glyph.w);
  return shared >= height * SAME_LINE && gap <= Math.max(last.h, glyph.h) * NEAR;
}

function begin({ text, x, y, w, h }: Glyph): PlacedWord {
  return { text, left: x, right: x + w, top: y, bottom: y + h };
}

function extend(word: PlacedWord, { text, x, y, w, h }: Glyph): void {
  word.text += text;
  word.left = Math.min(word.left, x);
  word.right = Math.max(word.right, x + w);
  word.top = Math.min(word.top, y);
  word.bottom = Math.max(word.bottom, y + h);
}
