import { Failure } from "../failure.ts";
import type { BackendConfig, OcrConfig } from "../config.ts";
import type { PageResult, PictureOrder } from "../worker/engine.ts";
import type { OcrBackend, PictureBytes } from "./backend.ts";
import type { PageQueue } from "./page-queue.ts";

/** What the worker entry understands. */
export type DecodeMessage = { op: "warm"; languages: string[] } | ({ op: "image" } & PictureOrder);

/** The part of the plugin context that the backend needs; `ctx` fits. */
export interface DecodeHost {
  workers: {
    run(name: string, message: object, options: { bytes?: PictureBytes[]; signal?: AbortSignal }): Promise<{ json: unknown }>;
  };
  assets: { list(glob?: string): Promise<string[]> };
}

/**
 * Tesseract in the worker process `decode`.
 * @param queue   shared by all backends that use the machine's cores
 */
export function createTesseract(host: DecodeHost, config: { all: OcrConfig; own: BackendConfig; queue: PageQueue }): OcrBackend {
  const { all, own, queue } = config;
  const closed = new AbortController();
  let ok = true;
  let loaded = false;

  async function languages(): Promise<string[]> {
    const files = await host.assets.list("tessdata/*.traineddata.gz");
    const installed = files.map((file) => /([a-z]{3})\.traineddata\.gz$/.exec(file)?.[1]);
    return own.languages.filter((language) => installed.includes(language));
  }

  async function run(message: DecodeMessage, options: { bytes?: PictureBytes[]; signal: AbortSignal }): Promise<unknown> {
    try {
      const { json } = await host.workers.run("decode", message, options);
      ok = true;
      loaded = true;
      return json;
    } catch (error) {
      ok = !isEngineFault(error);
      loaded &&= !options.signal.aborted;
      throw error;
    }
  }

  return {
    name: "tesseract",
    handwriting: false,
    maxPixels: all.maxImagePixels,
    languages,
    async warm() {
      const ready = (await languages()).filter((language) => all.fallbackLanguages.includes(language));
      await queue
        .run(closed.signal, () => run({ op: "warm", languages: ready }, { signal: closed.signal }))
        .catch(() => undefined);
    },
    close: () =>
      closed.abort(
        new Failure("capacity_exceeded", { reason: "reconfigured", message: "The settings have just changed. Try again." }),
      ),
    health: () => (ok ? { ok, loaded } : { ok, loaded, detail: "The recognition engine does not start or broke down." }),
    image(picture, job) {
      const order: PictureOrder = {
        languages: job.languages,
        pre: job.pre,
        maxPixels: all.maxImagePixels,
        defaultDpi: all.defaultDpi,
        minConfidence: own.minConfidence,
      };
      return queue.run(AbortSignal.any([job.signal, closed.signal]), async () => {
        const tooLong = AbortSignal.timeout(all.pageTimeoutMs);
        try {
          const signal = AbortSignal.any([job.signal, tooLong]);
          return (await run({ op: "image", ...order }, { bytes: [picture], signal })) as PageResult;
        } catch (error) {
          if (!tooLong.aborted || job.signal.aborted) throw error;
          const message = `The page was not read within ${all.pageTimeoutMs / 1000} seconds. Send a smaller picture or a part of it.`;
          throw new Failure("timeout", { reason: "page_timeout", message, cause: error });
        }
      });
    },
  };
}

function isEngineFault(error: unknown): boolean {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return code === "internal_error" || code === "not_implemented";
}
