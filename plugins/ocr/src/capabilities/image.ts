import type { OcrBackend, PictureBytes } from "../backends/backend.ts";
import type { OcrConfig } from "../config.ts";
import { Failure } from "../failure.ts";
import { chooseLanguages, displayLanguage } from "../languages.ts";
import type { PageResult } from "../worker/engine.ts";
import type { Block, Preprocess } from "../worker/page.ts";

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

/**
 * `ocr.image@1.0`: one picture in, its words out. Boxes are in pixels of the upright picture.
 * @throws not_found         `backend_unknown`
 * @throws bad_request       `source`, `too_large`, `language_unsupported`, `decode_failed`
 * @throws not_implemented   `blob_store_missing`, `model_missing`, `engine_missing`
 * @throws capacity_exceeded · timeout · internal_error
 * @source 22 §1, rules 3–6, O3, O6
 */
export async function readImage(
  call: ImageCall,
  deps: { backends: OcrBackend[]; config: OcrConfig },
): Promise<{ output: ImageOutput; backend: string }> {
  const backend = chooseBackend(call.params.backend ?? call.input.backend, deps.backends);
  const picture = pictureOf(call);
  const offered = await backend.languages();
  const asked = call.params.languages ?? call.input.languages;
  const languages = chooseLanguages({ asked, offered, fallback: deps.config.fallbackLanguages });
  const page = await backend.image(picture, { languages, pre: call.input.preprocess ?? {}, signal: call.signal });
  return { output: outputOf(page, deps.config.lowQualityThreshold), backend: backend.name };
}

/** A named backend is that one or an error, never another. @source 22 rule 4, O3 */
function chooseBackend(name: string | undefined, backends: OcrBackend[]): OcrBackend {
  const chosen = name === undefined ? backends[0] : backends.find((backend) => backend.name === name);
  if (chosen) return chosen;
  const available = backends.length === 0 ? "none" : backends.map((backend) => backend.name).join(", ");
  const message =
    name === undefined
      ? "Text recognition is switched off in the plugin's settings."
      : `There is no engine ${name}. Available: ${available}.`;
  throw new Failure("not_found", { reason: "backend_unknown", message });
}

function pictureOf(call: ImageCall): PictureBytes {
  const { picture, input } = call;
  if ((picture === undefined) === (input.image_cid === undefined)) {
    const message = "Send exactly one of image_b64 (the picture) and image_cid (a stored file).";
    throw new Failure("bad_request", { reason: "source", message });
  }
  if (picture === undefined) {
    const message = "This node has no file store yet, so pictures cannot be named by CID. Send the picture itself as image_b64.";
    throw new Failure("not_implemented", { reason: "blob_store_missing", message });
  }
  if (picture.size > MAX_BYTES) {
    const message = `The picture has ${(picture.size / 1024 / 1024).toFixed(1)} MiB; at most 8 MiB are read. Save it as JPEG or make it smaller.`;
    throw new Failure("bad_request", { reason: "too_large", message });
  }
  return picture;
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

/** What might help, most promising first. @source 22 rule 6 */
function hintsFor(page: PageResult): string[] {
  const hints: string[] = [];
  if (page.blocks.length === 0 && page.confidenceMean === 0) hints.push("no_text");
  if (page.scale > 1) hints.push("raise_dpi");
  if (!page.flattened) hints.push("contrast_normalise");
  return [...hints, "check_language", "turn_upright"];
}
