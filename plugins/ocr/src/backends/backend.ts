import type { HnBytes } from "@hearthnet/sdk-plugin";
import type { PageResult } from "../worker/engine.ts";
import type { Preprocess } from "../worker/page.ts";

/** Bytes that may still lie with the host; they travel to the worker as an attachment. */
export type PictureBytes = HnBytes;

export interface PictureJob {
  /** ISO 639-2/T, all offered by the backend. */
  languages: string[];
  pre: Preprocess;
  signal: AbortSignal;
}

/** What every recognition engine looks like to the capabilities. @source 22 §2 */
export interface OcrBackend {
  readonly name: string;
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
}
