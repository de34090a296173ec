import { readFileSync } from "node:fs";
import { Failure } from "../failure.ts";
import { type Core, openCore, outOfMemory } from "./core.ts";
import { release } from "./library.ts";
import { decodePicture, isOutOfMemory } from "./pixels.ts";
import { composePage, type PageText, preparePage, type Preprocess } from "./page.ts";
import type { Raster } from "../raster/raster.ts";
import { createRecogniser, type LanguageData, type Recogniser } from "./recogniser.ts";

export interface PictureOrder {
  /** ISO 639-2/T, at least one, all of them installed. */
  languages: string[];
  pre: Preprocess;
  maxPixels: number;
  defaultDpi: number;
  minConfidence: number;
}

/** A page's text with what is needed to advise the caller. */
export interface PageResult extends PageText {
  width: number;
  height: number;
  skew: number;
  scale: number;
  flattened: boolean;
}

export interface Engine {
  /** Loads module and data ahead of the first page. */
  warm(languages: string[]): Promise<void>;
  /**
   * Reads one picture; the calling thread is busy until it is done.
   * @throws bad_request `too_large` `decode_failed` · capacity_exceeded `memory` · not_implemented · internal_error `engine_failed`
   */
  read(picture: Uint8Array, order: PictureOrder): Promise<PageResult>;
  /** The same for a page that is already pixels. @param rendered.dpi  at which it was rendered */
  readPage(rendered: { page: Raster; dpi: number }, order: PictureOrder): Promise<PageResult>;
}

/** A picture in grey, and the resolution that it is said to have. */
interface Source {
  page: Raster;
  dpi: number | null;
}

/** Above this the module is replaced after the page, because its memory never shrinks. */
const KEEP_BELOW_BYTES = 320 * 1024 * 1024;

/**
 * Pictures in, words out. Module and languages stay loaded between pages; a module that trapped is never used again.
 * @param languageData   see `languageFolder`
 */
export function createEngine(languageData: LanguageData): Engine {
  let loaded: Promise<{ core: Core; recogniser: Recogniser }> | null = null;

  function load(): Promise<{ core: Core; recogniser: Recogniser }> {
    loaded ??= openCore().then((core) => ({ core, recogniser: createRecogniser(core, languageData) }));
    return loaded;
  }

  async function read(order: PictureOrder, sourceIn: (core: Core) => Source): Promise<PageResult> {
    const { core, recogniser } = await load();
    let healthy = false;
    try {
      const { page, dpi } = sourceIn(core);
      const prepared = preparePage(page, { statedDpi: dpi, defaultDpi: order.defaultDpi, pre: order.pre });
      const words = await recogniser.read(prepared.page, order.languages, prepared.dpi);
      healthy = core.memoryBytes() < KEEP_BELOW_BYTES;
      const text = composePage(words, order.minConfidence, prepared.toSource);
      const { skew, scale, flattened } = prepared;
      return { ...text, width: page.width, height: page.height, skew, scale, flattened };
    } catch (error) {
      if (error instanceof Failure) {
        healthy = !(error.cause instanceof WebAssembly.RuntimeError) && core.memoryBytes() < KEEP_BELOW_BYTES;
        throw error;
      }
      if (isOutOfMemory(error)) throw outOfMemory(error);
      const message = "The recognition engine stopped while reading this page.";
      throw new Failure("internal_error", { reason: "engine_failed", message, cause: error });
    } finally {
      if (!healthy) {
        loaded = null;
        release(core);
      }
    }
  }

  return {
    warm: (languages) =>
      inTurn(async () => {
        const { recogniser } = await load();
        // The first one last: its engine is the one that stays open.
        for (const language of languages.toReversed()) await recogniser.prepare([language]);
      }),
    read: (picture, order) =>
      inTurn(() =>
        read(order, (core) => {
          const { page, header } = decodePicture(core, picture, order.maxPixels);
          return { page, dpi: header.dpi };
        }),
      ),
    readPage: (rendered, order) => inTurn(() => read(order, () => rendered)),
  };
}

let last: Promise<unknown> = Promise.resolve();

/** One after the other, over all engines: the library holds one module and one page in the whole process. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work, work);
  last = mine;
  return mine;
}

/** Reads `<language>.traineddata.gz` from a folder. */
export function languageFolder(folder: string): LanguageData {
  return (language) => {
    try {
      return readFileSync(`${folder}/${language}.traineddata.gz`);
    } catch (cause) {
      const message = `The data for the language ${language} is missing. Install the plugin again to fetch it anew.`;
      throw new Failure("not_implemented", { reason: "model_missing", message, cause });
    }
  };
}
