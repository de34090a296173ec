/** From so many characters on, a text is more than a stamp or a page number over a scan. */
const LEAST_CHARACTERS = 25;
/** A page that is covered further is a scan. */
const MOST_IMAGE = 0.5;
const MOST_UNKNOWN = 0.05;
const LEAST_READABLE = 0.6;
const WORD_LENGTH = { least: 2, most: 15 };
/** No page that people read holds as much; what does would not pass through the worker's door either. */
const MOST_CHARACTERS = 100_000;

const VISIBLE = /[^\s\p{Cc}\p{Cf}]/u;
const UNKNOWN = /[\uFFFD\p{Co}\p{Cn}]/u;
const READABLE = /[\p{L}\p{M}\p{N}\p{P}]/u;

/**
 * Whether a page's own text can be taken as it is. A page that fails is read from its picture.
 * @param layer.text        the page's text in NFC, white space included
 * @param layer.imageShare  share of the page that raster images cover together, 0 to 1: scanners cut pages into strips
 * @source 22 rule 1, O1
 */
export function isUsableLayer(layer: { text: string; imageShare: number }): boolean {
  const visible = [...layer.text].filter((character) => VISIBLE.test(character));
  if (visible.length > MOST_CHARACTERS) return false;
  if (visible.length < LEAST_CHARACTERS && layer.imageShare > MOST_IMAGE) return false;
  if (visible.length === 0) return true;
  const share = (pattern: RegExp): number => visible.filter((character) => pattern.test(character)).length / visible.length;
  if (share(UNKNOWN) > MOST_UNKNOWN || share(READABLE) < LEAST_READABLE) return false;
  const length = medianWordLength(layer.text);
  return length >= WORD_LENGTH.least && length <= WORD_LENGTH.most;
}

function medianWordLength(text: string): number {
  const lengths = text
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => [...word].length)
    .toSorted((a, b) => a - b);
  return lengths[lengths.length >> 1] ?? 0;
}
