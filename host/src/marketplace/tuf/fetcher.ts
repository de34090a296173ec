import { DownloadHTTPError } from "tuf-js/dist/error.js";
import type { HnError } from "../../foundation/index.ts";
import { readAll, type Source, SourceMiss } from "../source/source.ts";

/** tuf-js builds addresses by joining text; this host is never asked for. */
export const METADATA_BASE = "https://registry.invalid/tuf";
const NOT_FOUND = 404;

/** Hands tuf-js the bytes of a source. It only ever asks for metadata: packages are fetched by us, by their hash. */
export class SourceFetcher {
  readonly #source: Source | null;
  /** Why the last file could not be had; tuf-js keeps only the words of an error. */
  failure: HnError | undefined;

  /** @param source  null: nothing is fetched, for judging what lies here already */
  constructor(source: Source | null) {
    this.#source = source;
  }

  async downloadBytes(url: string, maxBytes: number): Promise<Buffer> {
    const key = `tuf/${url.slice(METADATA_BASE.length + 1)}`;
    if (this.#source === null) throw new DownloadHTTPError(`${key} is not looked for`, NOT_FOUND);
    try {
      return await readAll(this.#source, key, { maxBytes });
    } catch (error) {
      if (error instanceof SourceMiss) throw new DownloadHTTPError(`there is no ${key}`, NOT_FOUND);
      this.failure = error as HnError;
      throw error;
    }
  }

  downloadFile<T>(): Promise<T> {
    return Promise.reject(new Error("files are not fetched through the metadata client"));
  }
}
