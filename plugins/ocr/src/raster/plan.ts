/** How a page is brought to the size at which it is read best. */
export interface SizePlan {
  /** Whole-number reduction of a picture with far more pixels than its text needs; 1 for none. */
  shrinkBy: number;
  /** Enlargement after that; 1 for none. */
  scale: number;
  /** Resolution of the page that is read; null lets the recogniser estimate it. */
  dpi: number | null;
}

export interface SizeFacts {
  width: number;
  height: number;
  /** From the file's header. */
  statedDpi: number | null;
  /** Height of a small letter in pixels. */
  textHeight: number | null;
  /** Resolution below which a page is enlarged. */
  wantedDpi: number;
  /** True when the caller named `wantedDpi`: then an estimate from the height of the text counts like a stated figure. */
  strict: boolean;
}

/** Letters smaller than this lose strokes; larger ones gain nothing (measured: error and time over scale 1–2.5). */
const SMALLEST_TEXT = 10;
const GOOD_TEXT = 14;
const LARGE_TEXT = 44;
const MANY_PIXELS = 8_000_000;
const MAX_SCALE = 3;
const MAX_PIXELS_READ = 40_000_000;
const MAX_SIDE = 32_000;
/** Height of a small letter in 10.5 point print, in points. */
const SMALL_LETTER_POINTS = 5.3;

/** @source 22 rule 5 (below `dpi` → enlarge before reading) */
export function planSize(facts: SizeFacts): SizePlan {
  const { statedDpi, textHeight, wantedDpi } = facts;
  const dpi = statedDpi ?? (facts.strict && textHeight !== null ? (textHeight * 72) / SMALL_LETTER_POINTS : null);
  if (dpi !== null) {
    const shrinkBy = dpi >= wantedDpi * 2 ? Math.floor(dpi / wantedDpi) : 1;
    const scale = fitting(facts, shrinkBy, wantedDpi / (dpi / shrinkBy));
    return { shrinkBy, scale, dpi: statedDpi === null ? null : Math.round((dpi / shrinkBy) * scale) };
  }
  if (textHeight === null) return { shrinkBy: 1, scale: 1, dpi: null };
  const plenty = facts.width * facts.height > MANY_PIXELS && textHeight > LARGE_TEXT;
  const shrinkBy = plenty ? Math.floor(textHeight / (LARGE_TEXT / 2)) : 1;
  const scale = textHeight < SMALLEST_TEXT ? fitting(facts, 1, GOOD_TEXT / textHeight) : 1;
  return { shrinkBy, scale, dpi: null };
}

function fitting(facts: SizeFacts, shrinkBy: number, wish: number): number {
  const width = facts.width / shrinkBy;
  const height = facts.height / shrinkBy;
  const room = Math.min(Math.sqrt(MAX_PIXELS_READ / (width * height)), MAX_SIDE / Math.max(width, height));
  return Math.max(1, Math.min(wish, MAX_SCALE, room));
}
