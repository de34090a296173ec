import { linesOf, usualHeight, type Line } from "./lines.ts";
import type { PlacedWord } from "./words.ts";

/** Least width of the empty band between two columns, in heights of a line. */
const LEAST_GUTTER = 0.9;
/** A column has so many lines, and so many words on a usual one: fewer are a table or a form, which are read line by line. */
const LEAST_LINES = 3;
const LEAST_WORDS = 3;
/** Where lines end so far apart, in heights of a line, a new part of the page begins. */
const SECTION_GAP = 2.5;
const MOST_COLUMNS_DEEP = 4;
/** A page with more rows is none that people read; comparing all with all would take long. */
const MOST_ROWS = 1000;

/** An empty band from top to bottom, in points. */
interface Gutter {
  left: number;
  right: number;
}

/**
 * Cuts a page into pieces in the order in which they are read: what spans the page line by line, clear columns one after the other.
 * @source 22 O2
 */
export function readingPieces(words: PlacedWord[], deep = 0): Line[][] {
  const height = usualHeight(words);
  const rows = linesOf(words);
  if (deep >= MOST_COLUMNS_DEEP || rows.length > MOST_ROWS) return [rows];
  const pieces: Line[][] = [];
  let plain: Line[] = [];
  for (let from = 0; from < rows.length;) {
    const run = columnsFrom(rows, from, height);
    if (run === null) plain.push(rows[from++] as Line);
    else {
      if (plain.length > 0) pieces.push(plain);
      plain = [];
      for (const side of run.sides) pieces.push(...readingPieces(side, deep + 1));
      from = run.to;
    }
  }
  if (plain.length > 0) pieces.push(plain);
  return pieces;
}

/** The longest run of rows from here that one gutter parts into two columns; null where there is none. */
function columnsFrom(rows: Line[], from: number, height: number): { sides: PlacedWord[][]; to: number } | null {
  let gutters: Gutter[] = [{ left: Number.NEGATIVE_INFINITY, right: Number.POSITIVE_INFINITY }];
  let between = false;
  let to = from;
  for (; to < rows.length; to++) {
    const row = rows[to] as Line;
    if (to > from && row.top - (rows[to - 1] as Line).bottom > height * SECTION_GAP) break;
    const left = common(gutters, freeIn(row)).filter((gutter) => gutter.right - gutter.left >= height * LEAST_GUTTER);
    // The margins are empty all the way down; what parts columns has text on both sides.
    if (between && !left.some(isBetween)) break;
    between ||= left.some(isBetween);
    gutters = left;
  }
  const all = rows.slice(from, to).flatMap(({ words }) => words);
  for (const gutter of gutters.filter(isBetween)) {
    const middle = (gutter.left + gutter.right) / 2;
    const sides = [all.filter(({ right }) => right <= middle), all.filter(({ left }) => left > middle)];
    if (sides.every(isColumn)) return { sides, to };
  }
  return null;
}

function isBetween({ left, right }: Gutter): boolean {
  return Number.isFinite(left) && Number.isFinite(right);
}

function isColumn(words: PlacedWord[]): boolean {
  const counts = linesOf(words)
    .map((line) => line.words.length)
    .toSorted((a, b) => a - b);
  return counts.length >= LEAST_LINES && (counts[counts.length >> 1] ?? 0) >= LEAST_WORDS;
}

/** Empty bands between the words of a row. */
function gaps({ words }: Line): Gutter[] {
  const found: Gutter[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const { left, right } of words) {
    if (end !== Number.NEGATIVE_INFINITY && left > end) found.push({ left: end, right: left });
    end = Math.max(end, right);
  }
  return found;
}

/** Bands in which a row has nothing, those beside it included: one column may be longer than the other. */
function freeIn(row: Line): Gutter[] {
  return [
    { left: Number.NEGATIVE_INFINITY, right: row.left },
    ...gaps(row),
    { left: row.right, right: Number.POSITIVE_INFINITY },
  ];
}

function common(some: Gutter[], others: Gutter[]): Gutter[] {
  return some.flatMap((one) =>
    others
      .map((other) => ({ left: Math.max(one.left, other.left), right: Math.min(one.right, other.right) }))
      .filter(({ left, right }) => right > left),
  );
}
