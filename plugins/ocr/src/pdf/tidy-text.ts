/** Latin ligatures of the presentation forms; other compatibility characters such as ² or ½ mean something of their own. */
const LIGATURE = /[\uFB00-\uFB06]/gu;
/** Controls, and marks that take no room. */
const NOTHING = /[^\P{Cc}\n\t]|[\uFEFF\u200B]/gu;
const SOFT_HYPHEN = /\u00AD/gu;
const SOFT_AT_END = / *\u00AD+\n/gu;
const SOFT_WITHIN = /\u00AD(?!\n)/gu;
const BROKEN_WORD = /(?<=\p{L})(?:\u00AD*[-\u2010]\u00AD*|\u00AD+)\n(?=\p{Ll})/gu;

/**
 * Brings lines of embedded text into the form in which it is searched: ligatures spelt out, NFC, soft hyphens removed, words that were broken
 * at a line's end joined when the next line begins in lower case.
 * @param text  lines, an empty line between blocks
 * @source 22 O2
 */
export function tidyText(text: string): string {
  const plain = text
    .replace(/\r\n?/g, "\n")
    .replace(NOTHING, "")
    .replace(LIGATURE, (ligature) => ligature.normalize("NFKD"));
  const lines = tidySpace(plain.normalize("NFC")).replace(SOFT_AT_END, "\u00AD\n").replace(SOFT_WITHIN, "");
  const whole = lines.replace(BROKEN_WORD, "").replace(SOFT_HYPHEN, "");
  return tidySpace(whole.normalize("NFC"));
}

function tidySpace(text: string): string {
  return text
    .replace(/[^\S\n]+/g, " ")
    .replace(/ *\n */g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}
