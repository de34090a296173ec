import type { OcrBackend, PictureBytes } from "../backends/backend.ts";
import type { OcrConfig } from "../config.ts";
import { chooseLanguages, displayLanguage } from "../languages.ts";
import type { PageResult } from "../worker/engine.ts";
import type { Block, Preprocess } from "../worker/page.ts";
import { chooseBackend } from "./choose.ts";
import { hintsFor } from "./low-quality.ts";
import { chooseSource, type StoredFiles } from "./source.ts";

export interface ImageParams {
  backend?: string;
  /** ISO 639-2/T, or `["auto"]`. */
  languages?: string[];
}

/** `backend` and `languages` are accepted here as well. @source 22 O6 */
export interface ImageInput extends ImageParams {
  image_cid?: string;
  preprocess?: Preprocess;
}

export interface ImageCall {
  params: ImageParams;
  input: ImageInput;
  /** The bytes of `input.image_b64`; absent when none were sent. */
  picture: PictureBytes | undefined;
  /** Stored files that the caller may see. */
  files: StoredFiles;
  signal: AbortSignal;
}

export interface Warning {
  code: "low_quality";
  confidence_mean: number;
  hints: string[];
}

/** @source 22 §1 */
export interface ImageOutput {
  text: string;
  blocks: Block[];
  /** ISO 639-1; null when there is no text. */
  language: string | null;
  languages: string[];
  confidence_mean: number;
  warnings?: Warning[];
}

const MAX_BYTES = 8 * 1024 * 1024;
const RULES = { fields: ["image_b64", "image_cid"], what: "picture", most: MAX_BYTES, mostStored: MAX_BYTES } as const;

/**
 * `ocr.image@1.0`: one picture in, its words out. Boxes are in pixels of the upright picture.
 * @throws not_found         `backend_unknown`
 * @throws bad_request       `source`, `too_large`, `language_unsupported`, `decode_failed`
 * @throws not_found         no such file, or none that the caller may see
 * @throws not_implemented   `blob_store_missing`, `model_missing`, `engine_missing`
 * @throws capacity_exceeded · timeout · internal_error
 * @source 22 §1, rules 3–6, O3, O6
 */
export async function readImage(
  call: ImageCall,
  deps: { backends: OcrBackend[]; config: OcrConfig },
): Promise<{ output: ImageOutput; backend: string }> {
  const backend = chooseBackend(call.params.backend ?? call.input.backend, deps.backends);
  const { picture: sent, input, files } = call;
  const source = await chooseSource({ sent, cid: input.image_cid, files, rules: RULES });
  const offered = await backend.languages();
  const asked = call.params.languages ?? call.input.languages;
  const languages = chooseLanguages({ asked, offered, fallback: deps.config.fallbackLanguages });
  const page = await backend.image(source.bytes, { languages, pre: call.input.preprocess ?? {}, signal: call.signal });
  return { output: outputOf(page, deps.config.lowQualityThreshold), backend: backend.name };
}

function outputOf(page: PageResult, threshold: number): ImageOutput {
  const { text, blocks, languages, confidenceMean } = page;
  const leading = languages[0];
  const language = leading === undefined ? null : displayLanguage(leading);
  const output: ImageOutput = { text, blocks, language, languages, confidence_mean: confidenceMean };
  if (confidenceMean < threshold)
    output.warnings = [{ code: "low_quality", confidence_mean: confidenceMean, hints: hintsFor(page) }];
  return output;
}
