import { decodeFailed, Failure } from "../failure.ts";
import type { TextLayer } from "../pdf/glyph.ts";
import type { Raster } from "../raster/raster.ts";
import { outOfMemory } from "./core.ts";
import { imageFacts } from "./page-images.ts";
import type { Pdfium } from "./pdfium.ts";
import { glyphsOf } from "./text-layer.ts";

/** An open document; page numbers count from 1. */
export interface PdfDocument {
  pages: number;
  /** @throws bad_request `decode_failed` · capacity_exceeded `memory` */
  textLayer(page: number): TextLayer;
  /**
   * Grey, as a viewer shows it, forms and notes included.
   * @param wish.dpi        lowered where the page would have more than `maxPixels`
   * @throws bad_request `too_large` `decode_failed` · capacity_exceeded `memory`
   */
  render(page: number, wish: { dpi: number; maxPixels: number }): { page: Raster; dpi: number };
  close(): void;
}

const PASSWORD = 4;
const UNKNOWN_LOCK = 5;
const GREY = 1;
const WITH_NOTES_IN_GREY = 0x01 | 0x08;
/** What viewers forgive before the head of a file. */
const HEAD_WITHIN = 1024;
/** Below this nothing can be read any more. */
const LEAST_DPI = 72;

/**
 * @param data  the file; it is copied
 * @throws bad_request `decode_failed` `pdf_encrypted` · capacity_exceeded `memory`
 */
export function openDocument(pdfium: Pdfium, data: Uint8Array, password: string | undefined): PdfDocument {
  if (!Buffer.from(data.buffer, data.byteOffset, Math.min(data.length, HEAD_WITHIN)).includes("%PDF-"))
    throw decodeFailed("This is not a PDF. If it is a picture, send it to ocr.image.");
  const { module } = pdfium;
  const bytes = lend(pdfium, data);
  const secret = password === undefined ? 0 : lend(pdfium, Buffer.from(`${password}\0`));
  const document = guarded(pdfium, () => module._FPDF_LoadMemDocument(bytes, data.length, secret));
  if (secret !== 0) module.wasmExports.free(secret);
  const pages = document === 0 ? 0 : guarded(pdfium, () => module._FPDF_GetPageCount(document));
  if (pages <= 0) {
    const fault = document === 0 ? refusal(module._FPDF_GetLastError(), password) : broken();
    if (document !== 0) module._FPDF_CloseDocument(document);
    module.wasmExports.free(bytes);
    throw fault;
  }

  function withPage<T>(number: number, work: (page: number) => T): T {
    return guarded(
      pdfium,
      () => {
        const page = module._FPDF_LoadPage(document, number - 1);
        if (page === 0) throw brokenPage(number);
        try {
          return work(page);
        } finally {
          module._FPDF_ClosePage(page);
        }
      },
      number,
    );
  }

  return {
    pages,
    textLayer: (number) =>
      withPage(number, (page) => ({ glyphs: glyphsOf(module, page), imageShare: imageFacts(module, page).share })),
    render: (number, { dpi, maxPixels }) =>
      withPage(number, (page) => {
        if (imageFacts(module, page).largest > maxPixels) throw tooLarge(number, "holds a picture with more pixels");
        return drawn(pdfium, page, { number, dpi, maxPixels });
      }),
    close() {
      module._FPDF_CloseDocument(document);
      module.wasmExports.free(bytes);
    },
  };
}

function drawn(
  pdfium: Pdfium,
  page: number,
  o: { number: number; dpi: number; maxPixels: number },
): { page: Raster; dpi: number } {
  const { module } = pdfium;
  const inches = { width: module._FPDF_GetPageWidth(page) / 72, height: module._FPDF_GetPageHeight(page) / 72 };
  const fitting = Math.floor(Math.sqrt(o.maxPixels / (inches.width * inches.height)));
  const dpi = Math.min(o.dpi, fitting);
  if (!(dpi >= Math.min(LEAST_DPI, o.dpi))) throw tooLarge(o.number, "is larger");
  const width = Math.max(1, Math.round(inches.width * dpi));
  const height = Math.max(1, Math.round(inches.height * dpi));
  const pixels = reserve(pdfium, width * height);
  try {
    const bitmap = module._FPDFBitmap_CreateEx(width, height, GREY, pixels, width);
    module._FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xffffffff);
    module._FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, WITH_NOTES_IN_GREY);
    module._FPDFBitmap_Destroy(bitmap);
    return { page: { width, height, data: module.HEAPU8.slice(pixels, pixels + width * height) }, dpi };
  } finally {
    module.wasmExports.free(pixels);
  }
}

function lend(pdfium: Pdfium, data: Uint8Array): number {
  const pointer = reserve(pdfium, data.length);
  pdfium.module.HEAPU8.set(data, pointer);
  return pointer;
}

function reserve({ module }: Pdfium, bytes: number): number {
  const pointer = module.wasmExports.malloc(bytes);
  if (pointer === 0) throw outOfMemory();
  return pointer;
}

/** What the module cannot go on after ends as a refusal; its user throws the module away then. */
function guarded<T>(pdfium: Pdfium, work: () => T, page?: number): T {
  try {
    const result = work();
    if (pdfium.starved()) throw outOfMemory();
    return result;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw pdfium.starved() ? outOfMemory(error) : page === undefined ? broken(error) : brokenPage(page, error);
  }
}

function refusal(code: number, password: string | undefined): Failure {
  if (code !== PASSWORD && code !== UNKNOWN_LOCK) return broken();
  const message =
    code === UNKNOWN_LOCK
      ? "The PDF is locked in a way that cannot be opened here. Save it without protection and send it again."
      : password === undefined
        ? "The PDF is protected by a password. Send the password along, or save the file without one."
        : "This is not the password of the PDF. Check it and send the file again.";
  return new Failure("bad_request", { reason: "pdf_encrypted", message });
}

function broken(cause?: unknown): Failure {
  return decodeFailed("The PDF is damaged and cannot be opened. Save or export it anew and send it again.", cause);
}

function brokenPage(number: number, cause?: unknown): Failure {
  return decodeFailed(`Page ${number} of the PDF is damaged. Leave it out with \`pages\`, or export the file anew.`, cause);
}

function tooLarge(number: number, how: string): Failure {
  const message = `Page ${number} ${how} than this node opens. Leave it out with \`pages\`, or export it smaller.`;
  return new Failure("bad_request", { reason: "too_large", message });
}
