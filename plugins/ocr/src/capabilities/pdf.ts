import type { HnBytes } from "@hearthnet/sdk-plugin";
import type { OcrBackend, OpenPdf } from "../backends/backend.ts";
import type { WorkBytes } from "../backends/decode-work.ts";
import type { OcrConfig } from "../config.ts";
import { chooseLanguages } from "../languages.ts";
import { choosePages } from "../pdf/page-choice.ts";
import type { Preprocess } from "../worker/page.ts";
import { chooseBackend } from "./choose.ts";
import type { ImageParams } from "./image.ts";
import { hintsFor } from "./low-quality.ts";
import { chooseSource, type StoredFiles } from "./source.ts";
import { optionsHash, type StoredText, type TextShelf } from "./text-shelf.ts";

/** `pdf_cid`, and `backend` and `languages` in here, are what Python nodes send. @source 22 §1, O6 */
export interface PdfInput extends ImageParams {
  doc_cid?: string;
  pdf_cid?: string;
  /** Inclusive, from 1. */
  page_range?: [first: number, last: number];
  pages?: number[];
  preprocess?: Preprocess;
  store_text?: boolean;
  force_ocr?: boolean;
  password?: string;
}

export interface PdfCall {
  /** A ULID. */
  id: string;
  params: ImageParams;
  input: PdfInput;
  /** The bytes of `input.pdf_b64`; absent when none were sent. */
  file: HnBytes | undefined;
  /** Stored files that the caller may see. */
  files: StoredFiles;
  signal: AbortSignal;
  /** Whole milliseconds since the call arrived. */
  elapsedMs(): number;
}

/** One page's text, as it goes over the wire. @source 22 §1 */
export type PageText = {
  page: number;
  text: string;
  confidence_mean: number;
  source: "text_layer" | "ocr";
  /** ISO 639-2/T; empty where the text came with the document, which does not say. */
  languages: string[];
};

/** What is being done: opened, its own text taken, drawn, read, put into the file store. */
export type PdfStage = "open" | "text_layer" | "render" | "ocr" | "store";

export type PdfFrame =
  | { event: "progress"; data: { current: number; total: number; stage: PdfStage; page?: number } }
  | { event: "warning"; data: { page: number; code: "low_quality"; confidence_mean: number; hints: string[] } }
  | { event: "page"; data: PageText };

/** @source 22 §1, rule 7 */
export interface PdfDone {
  pages: number;
  stored_cid: string | null;
  text_layer_pages: number;
  ocr_pages: number;
  ms: number;
  backend: string;
  /** First page after the range, when there is one. */
  more_from?: number;
}

const MIB = 1024 * 1024;
/** What one attachment for a worker may have, with room to spare. */
const PART_BYTES = 8 * MIB;
const RULES = { fields: ["pdf_b64", "doc_cid"], what: "PDF", most: 8 * MIB, mostStored: 48 * MIB } as const;

/**
 * `ocr.pdf@1.0`: a document in, its pages as they are read. The document's own text is taken where it passes (O1), the other pages are drawn
 * and read, one after the other; leaving the stream ends the worker.
 * @throws not_found         `backend_unknown` · no such file, or none that the caller may see
 * @throws bad_request       `source` `too_large` `language_unsupported` `too_many_pages` `page_out_of_range` `pdf_encrypted` `decode_failed`
 * @throws not_implemented   `blob_store_missing` `model_missing` `engine_missing`
 * @throws capacity_exceeded · timeout `page_timeout` · internal_error
 * @source 22 §1, rules 1–11, O1–O6
 */
export async function* readPdf(
  call: PdfCall,
  deps: { backends: OcrBackend[]; config: OcrConfig; shelf: TextShelf },
): AsyncGenerator<PdfFrame, PdfDone, void> {
  const left = new AbortController();
  try {
    return yield* reading({ ...call, signal: AbortSignal.any([call.signal, left.signal]) }, deps);
  } finally {
    // Whoever leaves between two frames leaves no worker that reads on.
    left.abort(new DOMException("The reader has left.", "AbortError"));
  }
}

async function* reading(
  call: PdfCall,
  deps: { backends: OcrBackend[]; config: OcrConfig; shelf: TextShelf },
): AsyncGenerator<PdfFrame, PdfDone, void> {
  const { input, params, files, signal } = call;
  const { config, shelf } = deps;
  const backend = chooseBackend(params.backend ?? input.backend, deps.backends);
  const cid = input.doc_cid ?? input.pdf_cid;
  const source = await chooseSource({ sent: call.file, cid, files, rules: RULES });
  const asked = params.languages ?? input.languages;
  const languages = chooseLanguages({ asked, offered: await backend.languages(), fallback: config.fallbackLanguages });
  const pre = input.preprocess ?? {};

  yield { event: "progress", data: { current: 0, total: 0, stage: "open" } };
  const { password } = input;
  const job = { languages, pre, signal, ...(password === undefined ? {} : { password }) };
  const pdf = await backend.openPdf(await inParts(source.bytes), job);
  const { page_range: range, pages: single } = input;
  const chosen = choosePages({ range, pages: single, total: pdf.pages, most: config.maxPagesPerRequest });
  const rest = chosen.next === null ? {} : { more_from: chosen.next };
  const sum = (pages: readonly Pick<PageText, "source">[], stored: string | null): PdfDone => ({
    pages: pages.length,
    stored_cid: stored,
    text_layer_pages: pages.filter((page) => page.source === "text_layer").length,
    ocr_pages: pages.filter((page) => page.source === "ocr").length,
    ms: call.elapsedMs(),
    backend: backend.name,
    ...rest,
  });

  const forced = input.force_ocr === true || !config.textLayerFirst;
  const about = {
    document: cid ?? `sha256:${pdf.sha256}`,
    visibility: source.visibility,
    options: optionsHash({
      backend: backend.name,
      version: backend.version,
      forced,
      pages: chosen.pages,
      ...backend.options(job),
    }),
  };
  const kept = input.store_text === true ? await shelf.find(about, files) : null;
  if (kept !== null) {
    for (const page of kept.pages) yield* withWarning(page, { threshold: config.lowQualityThreshold, hints: [] });
    return sum(kept.pages, kept.cid);
  }

  const pages: PageText[] = [];
  for await (const frame of readPages(pdf, { pages: chosen.pages, forced, threshold: config.lowQualityThreshold })) {
    if (frame.event === "page") pages.push(frame.data);
    yield frame;
  }
  if (input.store_text !== true) return sum(pages, null);
  yield { event: "progress", data: { current: pages.length, total: pages.length, stage: "store" } };
  const text: StoredText = {
    ...about,
    pages,
    backend: backend.name,
    version: backend.version,
    ...(cid === undefined ? {} : { cid }),
  };
  return sum(pages, await shelf.keep(text, { files, callId: call.id }));
}

async function* readPages(
  pdf: OpenPdf,
  o: { pages: number[]; forced: boolean; threshold: number },
): AsyncGenerator<PdfFrame, void, void> {
  const total = o.pages.length;
  let current = 0;
  for await (const { page, text } of o.forced ? unread(o.pages) : pdf.layers(o.pages)) {
    current += 1;
    yield { event: "progress", data: { current, total, stage: text === null ? "render" : "text_layer", page } };
    if (text !== null) {
      yield { event: "page", data: { page, text, confidence_mean: 1, source: "text_layer", languages: [] } };
      continue;
    }
    const drawn = Promise.withResolvers<"drawn">();
    const reading = pdf.read(page, () => drawn.resolve("drawn"));
    reading.catch(() => {});
    if ((await Promise.race([drawn.promise, reading])) === "drawn")
      yield { event: "progress", data: { current, total, stage: "ocr", page } };
    const read = await reading;
    const { confidenceMean: confidence_mean, languages } = read;
    const data: PageText = { page, text: read.text, confidence_mean, source: "ocr", languages };
    yield* withWarning(data, { threshold: o.threshold, hints: hintsFor(read) });
  }
}

async function* unread(pages: number[]): AsyncGenerator<{ page: number; text: null }, void, void> {
  for (const page of pages) yield { page, text: null };
}

/** @source 22 rule 6 */
function* withWarning(data: PageText, o: { threshold: number; hints: string[] }): Generator<PdfFrame, void, void> {
  const { page, confidence_mean } = data;
  if (confidence_mean < o.threshold)
    yield { event: "warning", data: { page, code: "low_quality", confidence_mean, hints: o.hints } };
  yield { event: "page", data };
}

/** Bytes as the worker's door takes them. A large file is brought here once; every page may need it again. */
async function inParts(file: HnBytes): Promise<WorkBytes> {
  if (file.size <= PART_BYTES) return [file];
  const all = await file.bytes(RULES.mostStored);
  return Array.from({ length: Math.ceil(all.length / PART_BYTES) }, (_, index) =>
    all.subarray(index * PART_BYTES, (index + 1) * PART_BYTES),
  );
}
