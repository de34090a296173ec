import type { TessBaseApi } from "tesseract.js-core/tesseract-core-simd-lstm.wasm.js";
import { Failure } from "../failure.ts";
import type { Raster } from "../raster/raster.ts";
import { darkestStrip } from "../raster/strip.ts";
import type { Box } from "../raster/transform.ts";
import type { Core } from "./core.ts";
import { initialise, loadLanguages, recognise } from "./library.ts";

/** One word as it stands on the page. */
export interface Word {
  text: string;
  box: Box;
  /** 0 to 1. */
  confidence: number;
  /** ISO 639-2/T of the data that read it. */
  language: string;
  startsLine: boolean;
  startsParagraph: boolean;
}

/** Language data, gzipped or not, by ISO 639-2/T code. @throws not_implemented `model_missing` */
export type LanguageData = (language: string) => Uint8Array;

export interface Recogniser {
  /** @param languages   one or more; which of them leads is found out on a strip of the page */
  read(page: Raster, languages: string[], dpi: number | null): Promise<Word[]>;
  /** Loads data so that the first page does not wait for it. */
  prepare(languages: string[]): Promise<void>;
}

const PARAGRAPH = 1;
const LINE = 2;
const WORD = 3;
/** No language that does not fit has read a strip this well (measured: 0.93). */
const CERTAIN = 0.95;

/** Data stays loaded; the engine is the one of the last list of languages. One call must end before the next begins. */
export function createRecogniser(core: Core, data: LanguageData): Recogniser {
  const stored = new Set<string>();

  async function prepare(languages: string[]): Promise<void> {
    const key = languages.join("+");
    const files = languages.filter((code) => !stored.has(code)).map((code) => ({ code, data: data(code) }));
    const usable = (await loadLanguages(core, files)) && (await initialise(core, key));
    if (!usable) {
      const message = `The data for ${key} cannot be used. Install the plugin again to fetch it anew.`;
      throw new Failure("not_implemented", { reason: "model_missing", message });
    }
    for (const { code } of files) stored.add(code);
  }

  async function recognised(page: Raster, dpi: number | null): Promise<Word[]> {
    const engine = await recognise(core, page, dpi);
    try {
      return wordsOf(core, engine);
    } finally {
      engine.Clear();
    }
  }

  /** A leading language that does not fit costs time and accents: German read with English in front has eight times the errors. */
  async function leaderFirst(page: Raster, languages: string[], dpi: number | null): Promise<string[]> {
    if (languages.length < 2) return languages;
    const strip = darkestStrip(page);
    const rated: { language: string; confidence: number }[] = [];
    for (const language of languages) {
      await prepare([language]);
      const confidence = meanByLength(await recognised(strip, dpi));
      rated.push({ language, confidence });
      if (confidence >= CERTAIN) break;
    }
    const leader = rated.toSorted((a, b) => b.confidence - a.confidence)[0]?.language;
    return languages.toSorted((a, b) => Number(b === leader) - Number(a === leader));
  }

  return {
    prepare,
    async read(page, languages, dpi) {
      await prepare(await leaderFirst(page, languages, dpi));
      return recognised(page, dpi);
    },
  };
}

/**
 * The library's own results know no word's language and round confidences to whole per cents.
 * @throws internal_error `engine_failed`: a page that was not read has no result, a blank one an empty one
 */
function wordsOf(core: Core, engine: TessBaseApi): Word[] {
  const words: Word[] = [];
  const found = engine.GetIterator();
  if (core.module.getPointer(found) === 0) {
    throw new Failure("internal_error", { reason: "engine_failed", message: "The recognition engine gave up on this page." });
  }
  const slots = core.module._malloc(16);
  try {
    found.Begin();
    do {
      const text = found.GetUTF8Text(WORD).trim();
      if (text === "" || !found.BoundingBox(WORD, slots, slots + 4, slots + 8, slots + 12)) continue;
      const [left = 0, top = 0, right = 0, bottom = 0] = core.words().subarray(slots >> 2, (slots >> 2) + 4);
      words.push({
        text: text.normalize("NFC"),
        box: [left, top, right - left, bottom - top],
        confidence: Math.min(1, Math.max(0, found.Confidence(WORD) / 100)),
        language: found.WordRecognitionLanguage(),
        startsLine: found.IsAtBeginningOf(LINE),
        startsParagraph: found.IsAtBeginningOf(PARAGRAPH),
      });
    } while (found.Next(WORD));
  } finally {
    core.module._free(slots);
    core.module.destroy(found);
  }
  return words;
}

/** Long words say more about a language than short ones, which look alike in many. */
function meanByLength(words: Word[]): number {
  const letters = words.reduce((sum, word) => sum + word.text.length, 0);
  return words.reduce((sum, word) => sum + word.confidence * word.text.length, 0) / Math.max(1, letters);
}
