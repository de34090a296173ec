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
      const head = fold([row.id, ...Object.values(row.name)].join(" "));
      const all = `${head} ${fold([...Object.values(row.desc), ...row.caps].join(" "))}`;
      const score = words.every((word) => all.includes(word)) ? words.filter((word) => head.includes(word)).length : -1;
      return { row, score };
    })
    .filter(({ score }) => score >= 0)
    .sort((a, b) => b.score - a.score || (a.row.id < b.row.id ? -1 : 1))
    .map(({ row }) => row);
}
