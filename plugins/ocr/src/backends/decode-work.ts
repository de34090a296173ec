import type { HnBytes } from "@hearthnet/sdk-plugin";
import { Failure } from "../failure.ts";
import type { PictureOrder } from "../worker/engine.ts";
import type { PdfMessage } from "../worker/pdf-reader.ts";
import type { PageQueue } from "./page-queue.ts";

/** What the worker entry understands. */
export type DecodeMessage = { op: "warm"; languages: string[] } | ({ op: "image" } & PictureOrder) | PdfMessage;

/** Bytes for the worker, each part at most 16 MiB. */
export type WorkBytes = (HnBytes | Uint8Array)[];

/** The part of the plugin context that the backend needs; `ctx` fits. */
export interface DecodeHost {
  workers: {
    run(name: string, message: object, options: WorkOptions): Promise<{ json: unknown }>;
  };
  assets: { list(glob?: string): Promise<string[]> };
}

export interface WorkOptions {
  bytes?: WorkBytes;
  signal?: AbortSignal;
  /** The worker is about to read what it was given to draw. */
  onProgress?: () => void;
}

/** What a page costs at most, and what to advise whoever sent one that costs more. */
export interface PageLimit {
  ms: number;
  advice: string;
}

/** Hands messages to the worker process `decode`, as many at once as the machine bears, and knows how the engine is. */
export class DecodeWork {
  readonly #host: DecodeHost;
  readonly #queue: PageQueue;
  readonly #closed = new AbortController();
  #ok = true;
  #loaded = false;

  constructor(host: DecodeHost, queue: PageQueue) {
    this.#host = host;
    this.#queue = queue;
  }

  get health(): { ok: boolean; loaded: boolean } {
    return { ok: this.#ok, loaded: this.#loaded };
  }

  /** Without a limit of its own: loading takes as long as it takes. */
  warm(languages: string[]): Promise<unknown> {
    const { signal } = this.#closed;
    return this.#queue.run(signal, () => this.#run({ op: "warm", languages }, { signal })).catch(() => undefined);
  }

  /** @throws timeout `page_timeout` · what the worker throws · AbortError when `signal` fires; the worker's process ends with it */
  page(
    message: DecodeMessage,
    o: { bytes: WorkBytes; signal: AbortSignal; limit: PageLimit; onProgress?: () => void },
  ): Promise<unknown> {
    const { signal, limit, ...more } = o;
    return this.#queue.run(AbortSignal.any([signal, this.#closed.signal]), async () => {
      const tooLong = AbortSignal.timeout(limit.ms);
      try {
        return await this.#run(message, { ...more, signal: AbortSignal.any([signal, tooLong]) });
      } catch (error) {
        if (!tooLong.aborted || signal.aborted) throw error;
        const text = `The page was not read within ${limit.ms / 1000} seconds. ${limit.advice}`;
        throw new Failure("timeout", { reason: "page_timeout", message: text, cause: error });
      }
    });
  }

  close(): void {
    this.#closed.abort(
      new Failure("capacity_exceeded", { reason: "reconfigured", message: "The settings have just changed. Try again." }),
    );
  }

  async #run(message: DecodeMessage, options: WorkOptions & { signal: AbortSignal }): Promise<unknown> {
    try {
      const { json } = await this.#host.workers.run("decode", message, options);
      this.#ok = true;
      this.#loaded = true;
      return json;
    } catch (error) {
      this.#ok = !isEngineFault(error);
      this.#loaded &&= !options.signal.aborted;
      throw error;
    }
  }
}

function isEngineFault(error: unknown): boolean {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return code === "internal_error" || code === "not_implemented";
}
