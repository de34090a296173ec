import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gunzipSync } from "node:zlib";
import type { PictureOrder } from "../../src/worker/engine.ts";
import type { LanguageData } from "../../src/worker/recogniser.ts";
import assets from "../../assets.json" with { type: "json" };

const require = createRequire(import.meta.url);

/** Gzipped data of a shipped language, where the build takes it from. */
export function shippedData(language: string): Buffer {
  const files: Record<string, string> = assets.tessdata;
  const file = files[`${language}.traineddata.gz`];
  if (file === undefined) throw new Error(`not shipped: ${language}`);
  return readFileSync(require.resolve(file));
}

export const shippedLanguages: LanguageData = (language) => gunzipSync(shippedData(language));

export function orderFor(languages: string[], change: Partial<PictureOrder> = {}): PictureOrder {
  return { languages, pre: {}, maxPixels: 50_000_000, defaultDpi: 300, minConfidence: 0.5, ...change };
}
