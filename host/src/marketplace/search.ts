import type { IndexRow } from "../format/index.ts";

/** So that "Texterkennung", "texterkennung" and "TEXTERKENNUNG" meet, and "größe" finds "groesse" and "grosse". */
export function fold(text: string): string {
  return text
    .toLowerCase()
    .replaceAll("ß", "ss")
    .replace(/ä/g, "ae")
    .replace(/ö/g, "oe")
    .replace(/ü/g, "ue")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "");
}

interface Folded {
  /** Id and names. */
  head: string;
  all: string;
}

/** Folding costs more than searching, and a row's text never changes. */
const folded: WeakMap<IndexRow, Folded> = new WeakMap();

function foldedOf(row: IndexRow): Folded {
  let known = folded.get(row);
  if (known === undefined) {
    const head = fold([row.id, ...Object.values(row.name)].join(" "));
    known = { head, all: `${head} ${fold([...Object.values(row.desc), ...row.caps].join(" "))}` };
    folded.set(row, known);
  }
  return known;
}

/**
 * Rows that hold every word, best first: found in id or name before found in the description.
 * @source marketplace §3.1
 */
export function searchRows(rows: readonly IndexRow[], query: string): IndexRow[] {
  const words = fold(query)
    .split(/\s+/)
    .filter((word) => word !== "");
  return rows
    .map((row) => {
      const { head, all } = foldedOf(row);
      const score = words.every((word) => all.includes(word)) ? words.filter((word) => head.includes(word)).length : -1;
      return { row, score };
    })
    .filter(({ score }) => score >= 0)
    .sort((a, b) => b.score - a.score || (a.row.id < b.row.id ? -1 : 1))
    .map(({ row }) => row);
}
