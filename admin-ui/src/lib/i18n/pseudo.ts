import type { Messages } from "./en.ts";

const ACCENTS: Record<string, string> = {
  a: "á",
  e: "é",
  i: "î",
  o: "ö",
  u: "ü",
  A: "Å",
  E: "É",
  O: "Ö",
  U: "Û",
  n: "ñ",
  c: "ç",
  s: "š",
};
/** Other languages need this much more room than English. */
const LONGER = 0.4;

/** `Save` → `⟦Šávé ··⟧`: what is cut, overlaps or was written into the page instead of the catalogue catches the eye. Code stays as it is. */
export function pseudoText(text: string): string {
  const accented = text
    .split("`")
    .map((part, i) => (i % 2 === 1 ? part : part.replaceAll(/[A-Za-z]/g, (letter) => ACCENTS[letter] ?? letter)))
    .join("`");
  const room = "·".repeat(Math.ceil(text.length * LONGER));
  return `⟦${accented} ${room.replaceAll(/·{8}/g, "········ ")}⟧`;
}

/** The whole catalogue in a language that nobody speaks. */
export function pseudo(messages: Messages): Messages {
  return change(messages) as Messages;
}

function change(value: unknown): unknown {
  if (typeof value === "string") return pseudoText(value);
  if (Array.isArray(value)) return value.map(change);
  if (typeof value === "function") return (...o: unknown[]) => change((value as (...o: unknown[]) => unknown)(...o));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, change(part)]));
}
