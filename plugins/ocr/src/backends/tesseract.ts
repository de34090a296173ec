import type { BackendConfig, OcrConfig } from "../config.ts";
import type { PageResult, PictureOrder } from "../worker/engine.ts";
import type { OcrBackend, PictureJob } from "./backend.ts";
import { type DecodeHost, DecodeWork } from "./decode-work.ts";
import type { PageQueue } from "./page-queue.ts";
import { openPdf } from "./pdf-file.ts";
import { ENGINE_VERSION } from "./versions.ts";

/**
 * Tesseract in the worker process `decode`.
 * @param queue   shared by all backends that use the machine's cores
 */
export function createTesseract(host: DecodeHost, config: { all: OcrConfig; own: BackendConfig; queue: PageQueue }): OcrBackend {
  const { all, own, queue } = config;
  const work = new DecodeWork(host, queue);

  async function languages(): Promise<string[]> {
    const files = await host.assets.list("tessdata/*.traineddata.gz");
    const installed = files.map((file) => /([a-z]{3})\.traineddata\.gz$/.exec(file)?.[1]);
    return own.languages.filter((language) => installed.includes(language));
  }

  function orderOf({ languages: wanted, pre }: Pick<PictureJob, "languages" | "pre">): PictureOrder {
    const { maxImagePixels: maxPixels, defaultDpi } = all;
    return { languages: wanted, pre, maxPixels, defaultDpi, minConfidence: own.minConfidence };
  }

  return {
    name: "tesseract",
    version: ENGINE_VERSION,
    handwriting: false,
    maxPixels: all.maxImagePixels,
    languages,
    async warm() {
      await work.warm((await languages()).filter((language) => all.fallbackLanguages.includes(language)));
    },
    close: () => work.close(),
    health: () => {
      const { ok, loaded } = work.health;
      return ok ? { ok, loaded } : { ok, loaded, detail: "The recognition engine does not start or broke down." };
    },
    async image(picture, job) {
      const limit = { ms: all.pageTimeoutMs, advice: "Send a smaller picture or a part of it." };
      return (await work.page({ op: "image", ...orderOf(job) }, { bytes: [picture], signal: job.signal, limit })) as PageResult;
    },
    options: (job) => ({ ...orderOf(job), text_layer_first: all.textLayerFirst }),
    openPdf: (file, job) => openPdf({ work, file, job, order: orderOf, limitMs: all.pageTimeoutMs }),
  };
}
