/** Plain columns for the terminal; `empty` when there is nothing to show. */
export function table(head: string[], rows: string[][], empty: string): string {
  if (rows.length === 0) return empty;
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
