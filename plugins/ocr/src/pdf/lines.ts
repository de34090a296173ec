import type { PlacedWord } from "./words.ts";

/** Words of one line, from left to right. */
export interface Line {
  words: PlacedWord[];
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}]/u;

/**
 * Gathers words to lines, from top to bottom. A word is on a line when its middle lies within the line's height, so that exponents and
 * letters that reach down stay where they are.
 */
export function linesOf(words: PlacedWord[]): Line[] {
  const lines: Line[] = [];
  let line: Line | undefined;
  for (const word of words.toSorted((a, b) => a.top + a.bottom - b.top - b.bottom || a.left - b.left)) {
    const middle = (word.top + word.bottom) / 2;
    if (line !== undefined && middle < line.bottom && middle >= line.top) add(line, word);
    else lines.push((line = { words: [word], left: word.left, right: word.right, top: word.top, bottom: word.bottom }));
  }
  for (const { words: row } of lines) row.sort((a, b) => a.left - b.left || a.right - b.right || (a.text < b.text ? -1 : 1));
  return lines;
}

function add(line: Line, word: PlacedWord): void {
  line.words.push(word);
  line.left = Math.min(line.left, word.left);
  line.right = Math.max(line.right, word.right);
  // The band is that of the first word, so that a staircase of words does not become one line.
}

/** In reading direction, which is that of most of its words. */
export function textOf({ words }: Line): string {
  const backwards = words.filter(({ text }) => RIGHT_TO_LEFT.test(text)).length * 2 > words.length;
  return (backwards ? words.toReversed() : words).map(({ text }) => text).join(" ");
}

/** Height of a usual line: the middle one of all words. */
export function usualHeight(words: PlacedWord[]): number {
  const heights = words.map(({ top, bottom }) => bottom - top).toSorted((a, b) => a - b);
  return Math.max(1, heights[heights.length >> 1] ?? 1);
}
