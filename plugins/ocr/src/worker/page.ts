import { isUnevenlyLit, binarize, denoise, normaliseContrast } from "../raster/tone.ts";
import { planSize } from "../raster/plan.ts";
import { type Raster, shrink } from "../raster/raster.ts";
import { findSkew } from "../raster/skew.ts";
import { sketchPage } from "../raster/sketch.ts";
import { findTextHeight } from "../raster/text-height.ts";
import { type Box, transformPage, type Transformed } from "../raster/transform.ts";
import type { Word } from "./recogniser.ts";

/** What a caller may ask to be done to the picture first. @source 22 §1 `Pre`, O7 */
export interface Preprocess {
  deskew?: boolean;
  denoise?: boolean;
  binarize?: boolean;
  contrast_normalise?: boolean;
  dpi?: number;
}

/** A page ready to be read, and the way its boxes go back. */
export interface PreparedPage {
  page: Raster;
  dpi: number | null;
  /** Degrees by which lines fell to the right. */
  skew: number;
  /** Enlargement that was needed. */
  scale: number;
  /** True when uneven light was evened out. */
  flattened: boolean;
  toSource: (box: Box) => Box;
}

/** Turning by less than this blurs more than it helps. */
const LEAST_SKEW = 0.2;

/**
 * Brings a picture into the state in which it is read best. The order matters: light first (so that paper is paper when corners are
 * filled), then size and slant in one interpolation, then specks and threshold on the final pixels.
 * @source 22 rule 5, O7
 */
export function preparePage(
  picture: Raster,
  about: { statedDpi: number | null; defaultDpi: number; pre: Preprocess },
): PreparedPage {
  const { pre } = about;
  const sketch = sketchPage(picture);
  const skew = pre.deskew === false ? 0 : findSkew(sketch);
  const plan = planSize({
    width: picture.width,
    height: picture.height,
    statedDpi: about.statedDpi,
    textHeight: findTextHeight(sketch),
    wantedDpi: pre.dpi ?? about.defaultDpi,
    strict: pre.dpi !== undefined,
  });
  const small = shrink(picture, plan.shrinkBy);
  const flattened = pre.contrast_normalise ?? isUnevenlyLit(small);
  const lit = flattened ? normaliseContrast(small) : small;
  const degrees = Math.abs(skew) < LEAST_SKEW ? 0 : skew;
  const turned: Transformed = transformPage(lit, { degrees, scale: plan.scale });
  const clean = pre.denoise === true ? denoise(turned.page) : turned.page;
  const page = pre.binarize === true ? binarize(clean) : clean;
  const grow = plan.shrinkBy;
  return {
    page,
    dpi: plan.dpi,
    skew: degrees,
    scale: plan.scale,
    flattened,
    toSource: (box) => {
      const [x, y, w, h] = turned.toSource(box);
      return [x * grow, y * grow, w * grow, h * grow];
    },
  };
}

/** One word of the answer. @source 22 §1 `Block` */
export interface Block {
  text: string;
  bbox: Box;
  confidence: number;
  language: string;
}

export interface PageText {
  text: string;
  blocks: Block[];
  /** Languages that read at least a tenth of the words, most first. */
  languages: string[];
  /** Over all words that were found, also those too doubtful to be returned. */
  confidenceMean: number;
}

/** How far a well-read line lifts a doubtful word in it. */
const LIFT = 0.6;
const WORDLIKE = /[\p{L}\p{N}]{2}/u;

/**
 * Puts words together to a text and drops what is too doubtful. The engine distrusts what its dictionary does not know (an e-mail
 * address gets 0 to 0.4, read without a fault), so a word is worth at least 0.6 of its line: 0.57 among good neighbours, 0.2 in a line
 * of rubbish. The mean counts the engine's own figures.
 * @param minConfidence   words below are left out (22 §2)
 */
export function composePage(words: Word[], minConfidence: number, toSource: (box: Box) => Box): PageText {
  const lines = lineConfidence(words);
  let text = "";
  let gap = "";
  const blocks: Block[] = [];
  for (const [index, word] of words.entries()) {
    const lift = WORDLIKE.test(word.text) ? LIFT * (lines[index] ?? 0) : 0;
    const confidence = Math.max(word.confidence, lift);
    if (word.startsParagraph) gap = "\n\n";
    else if (word.startsLine && gap !== "\n\n") gap = "\n";
    if (confidence < minConfidence) continue;
    text += (text === "" ? "" : gap) + word.text;
    gap = " ";
    blocks.push({ text: word.text, bbox: toSource(word.box), confidence: rounded(confidence), language: word.language });
  }
  const sum = words.reduce((total, word) => total + word.confidence, 0);
  return { text, blocks, languages: languagesOf(blocks), confidenceMean: words.length === 0 ? 0 : rounded(sum / words.length) };
}

/** For each word the confidence of the middle word of its line; a mean would sink with the very words it is to lift. */
function lineConfidence(words: Word[]): number[] {
  const values: number[] = [];
  for (let from = 0; from < words.length;) {
    let to = from + 1;
    while (to < words.length && words[to]?.startsLine === false) to++;
    const line = words
      .slice(from, to)
      .map((word) => word.confidence)
      .toSorted((a, b) => a - b);
    const middle = line[line.length >> 1] ?? 0;
    for (; from < to; from++) values.push(middle);
  }
  return values;
}

function languagesOf(blocks: Block[]): string[] {
  const counts = new Map<string, number>();
  for (const block of blocks) counts.set(block.language, (counts.get(block.language) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count * 10 >= blocks.length)
    .toSorted((a, b) => b[1] - a[1])
    .map(([language]) => language);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
