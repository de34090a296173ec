import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { decodeFailed, Failure } from "../failure.ts";
import { isUsableLayer } from "../pdf/layer-quality.ts";
import { readInOrder } from "../pdf/reading-order.ts";
import { openDocument, type PdfDocument } from "./document.ts";
import type { Engine, PageResult, PictureOrder } from "./engine.ts";
import { openPdfium, type Pdfium } from "./pdfium.ts";

/** Which document, and how it is opened. */
export interface DocumentKey {
  /** Chosen by the asker anew for each call; the worker keeps the document under it for the pages that follow. */
  key: string;
  password?: string;
}

/** What can be asked about a document. Page numbers count from 1. */
export type PdfMessage =
  | ({ op: "pdf.open" } & DocumentKey)
  | ({ op: "pdf.layers"; pages: number[] } & DocumentKey)
  | ({ op: "pdf.read"; page: number; dpi: number } & PictureOrder & DocumentKey);

/** Answers by operation. */
export interface PdfAnswers {
  "pdf.open": { pages: number; sha256: string };
  /** `text` is null where the page's own text does not pass. */
  "pdf.layers": { layers: { page: number; text: string | null }[] };
  "pdf.read": PageResult;
}

/** The document is not here: the same again, with its bytes. */
export interface DocumentAbsent {
  absent: true;
}

/** Above this the module is replaced, because its memory never shrinks. */
const KEEP_BELOW_BYTES = 256 * 1024 * 1024;

export interface PdfReader {
  /**
   * @param file     the document; without it only what is still open can be asked about
   * @param onDrawn  called when the page is pixels and what reads it begins
   * @throws bad_request `decode_failed` `pdf_encrypted` `too_large` · capacity_exceeded `memory` · what the engine throws
   */
  answer(
    message: PdfMessage,
    file: Uint8Array | undefined,
    onDrawn?: () => void,
  ): Promise<PdfAnswers[PdfMessage["op"]] | DocumentAbsent>;
}

/** Keeps the last document open, so that a call does not send and parse it once a page. Whatever broke down is never used again. */
export function createPdfReader(engine: Engine): PdfReader {
  let pdfium: Pdfium | null = null;
  let open: { key: string; document: PdfDocument } | null = null;

  function drop(): void {
    open = null;
    pdfium = null;
  }

  async function documentOf(message: DocumentKey, file: Uint8Array | undefined): Promise<PdfDocument | null> {
    if (open?.key === message.key) return open.document;
    if (file === undefined) return null;
    open?.document.close();
    open = null;
    if (pdfium !== null && pdfium.memoryBytes() > KEEP_BELOW_BYTES) pdfium = null;
    pdfium ??= await openPdfium();
    const document = openDocument(pdfium, file, message.password);
    open = { key: message.key, document };
    return document;
  }

  async function answer(message: PdfMessage, file: Uint8Array | undefined, onDrawn: () => void): ReturnType<PdfReader["answer"]> {
    const document = await documentOf(message, file);
    if (document === null) return { absent: true };
    switch (message.op) {
      case "pdf.open":
        if (file === undefined) throw decodeFailed("No document was sent.");
        return { pages: document.pages, sha256: createHash("sha256").update(file).digest("hex") };
      case "pdf.layers":
        return { layers: message.pages.map((page) => ({ page, text: ownText(document, page) })) };
      case "pdf.read": {
        const { page, dpi } = document.render(message.page, { dpi: message.dpi, maxPixels: message.maxPixels });
        onDrawn();
        // The thread is busy from here on: what was said gets its turn first.
        await nextTurn();
        return engine.readPage({ page, dpi }, message);
      }
    }
  }

  return {
    async answer(message, file, onDrawn = () => {}) {
      try {
        return await answer(message, file, onDrawn);
      } catch (error) {
        // A refusal with a cause is a breakdown that was explained.
        if (!(error instanceof Failure) || error.cause !== undefined || error.reason === "memory") drop();
        throw error;
      }
    },
  };
}

function ownText(document: PdfDocument, page: number): string | null {
  const { glyphs, imageShare } = document.textLayer(page);
  const text = readInOrder(glyphs);
  return isUsableLayer({ text, imageShare }) ? text : null;
}
