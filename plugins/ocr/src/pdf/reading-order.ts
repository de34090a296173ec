import { readingPieces } from "./columns.ts";
import type { Glyph } from "./glyph.ts";
import { textOf, usualHeight, type Line } from "./lines.ts";
import { tidyText } from "./tidy-text.ts";
import { wordsOf } from "./words.ts";

/** Lines further apart than this, in heights of a usual line, belong to different blocks. */
const BLOCK_GAP = 0.7;

/**
 * The text of a page in the order in which people read it: by block, then line, then place on the line; clear columns one after the
 * other; text that stands askew at the end.
 * @param glyphs  in the order of the document's commands
 * @returns lines, an empty line between blocks
 * @source 22 O2
 */
export function readInOrder(glyphs: Glyph[]): string {
  const { words, turned } = wordsOf(glyphs);
  const height = usualHeight(words);
  const pieces = readingPieces(words).map((lines) => linesText(lines, height));
  return tidyText([...pieces, turned.join(" ")].join("\n\n"));
}

function linesText(lines: Line[], height: number): string {
  let text = "";
  let bottom: number | null = null;
  for (const line of lines) {
    if (bottom !== null) text += line.top - bottom > height * BLOCK_GAP ? "\n\n" : "\n";
    text += textOf(line);
    bottom = line.bottom;
  }
  return text;
}
