import type { HnBytes } from "@hearthnet/sdk-plugin";
import type { PageResult } from "../worker/engine.ts";
import type { Preprocess } from "../worker/page.ts";
import type { WorkBytes } from "./decode-work.ts";

/** Bytes that may still lie with the host; they travel to the worker as an attachment. */
export type PictureBytes = HnBytes;

export interface PictureJob {
  /** ISO 639-2/T, all offered by the backend. */
  languages: string[];
  pre: Preprocess;
  signal: AbortSignal;
}

export interface PdfJob extends PictureJob {
  password?: string;
}

/** A document that has proven to be one. Page numbers count from 1. */
export interface OpenPdf {
  readonly pages: number;
  /** Of the file, in hexadecimal digits. */
  readonly sha256: string;
  /** Text of each page as the document brings it, in the given order; null where it does not pass as such (22 O1). */
  layers(pages: number[]): AsyncGenerator<{ page: number; text: string | null }, void, void>;
  /** Draws the page, calls `onDrawn`, and reads it. @throws as `image`; bad_request `too_large` */
  read(page: number, onDrawn: () => void): Promise<PageResult>;
}

/** What every recognition engine looks like to the capabilities. @source 22 §2 */
export interface OcrBackend {
  readonly name: string;
  /** Whatever reads otherwise has another one. */
  readonly version: string;
  readonly handwriting: boolean;
  readonly maxPixels: number;
  /** ISO 639-2/T codes that can be read now. */
  languages(): Promise<string[]>;
  /** Loads engine and data so that the first page does not wait. Never throws. */
  warm(): Promise<void>;
  /** Ends waiting pages; running ones end with their own signals. */
  close(): void;
  health(): { ok: boolean; loaded: boolean; detail?: string };
  /** @throws the rows of 22 §1; AbortError when `signal` fires */
  image(picture: PictureBytes, job: PictureJob): Promise<PageResult>;
  /** Everything of settings and order that a page's text depends on, as JSON. */
  options(job: Pick<PictureJob, "languages" | "pre">): object;
  /** @throws bad_request `decode_failed` `pdf_encrypted` · the rows of 22 §1 */
  openPdf(file: WorkBytes, job: PdfJob): Promise<OpenPdf>;
}
