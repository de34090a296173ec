import { availableParallelism } from "node:os";
import type { OcrBackend } from "./backends/backend.ts";
import { PageQueue, workersFor } from "./backends/page-queue.ts";
import type { DecodeHost } from "./backends/decode-work.ts";
import { createTesseract } from "./backends/tesseract.ts";
import { type ImageCall, type ImageOutput, readImage } from "./capabilities/image.ts";
import { type PdfCall, type PdfDone, type PdfFrame, readPdf } from "./capabilities/pdf.ts";
import { openTextShelf, type ShelfHost } from "./capabilities/text-shelf.ts";
import { type OcrConfig, readConfig } from "./config.ts";
import { type HealthReport, HealthWatch, type Later, laterByTimer } from "./health-watch.ts";

/** The part of the plugin context that the service needs; `ctx` fits. */
export interface ServiceHost extends DecodeHost, ShelfHost {
  capabilities: {
    register(ref: string, instance: { params: object; maxConcurrent?: number }): Promise<{ remove(): Promise<void> }>;
  };
  health: { report(state: HealthReport): void };
}

export interface Service {
  image(call: ImageCall): Promise<{ output: ImageOutput; backend: string }>;
  pdf(call: PdfCall): AsyncGenerator<PdfFrame, PdfDone, void>;
  /** Takes new settings over; pages being read finish under the old ones. */
  configure(raw: Readonly<Record<string, unknown>>): Promise<void>;
}

/** Pages and documents that one backend works on at a time. @source 22 §1 */
const AT_ONCE = { "ocr.image@1.0": 4, "ocr.pdf@1.0": 2 };

/** Registers both capabilities for each backend and keeps them in step with the settings. @source 22 §1 */
export async function openService(
  host: ServiceHost,
  raw: Readonly<Record<string, unknown>>,
  later: Later = laterByTimer,
): Promise<Service> {
  const watch = new HealthWatch((state) => host.health.report(state), later);
  const shelf = openTextShelf(host);
  const queue = new PageQueue(workersFor(availableParallelism()));
  let config: OcrConfig;
  let backends: OcrBackend[] = [];
  let registrations: { remove(): Promise<void> }[] = [];

  async function configure(next: Readonly<Record<string, unknown>>): Promise<void> {
    config = readConfig(next);
    for (const registration of registrations) await registration.remove();
    for (const backend of backends) backend.close();
    watch.stop();
    backends = config.enabled ? config.backends.map((own) => createTesseract(host, { all: config, own, queue })) : [];
    registrations = [];
    for (const backend of backends) {
      const params = {
        backend: backend.name,
        languages_supported: await backend.languages(),
        supports_handwriting: backend.handwriting,
        max_image_pixels: backend.maxPixels,
        requires_internet: false,
      };
      for (const [ref, maxConcurrent] of Object.entries(AT_ONCE))
        registrations.push(await host.capabilities.register(ref, { params, maxConcurrent }));
      void backend.warm();
    }
  }

  function look(): void {
    for (const backend of backends) watch.look(backend);
  }

  await configure(raw);
  return {
    configure,
    async image(call) {
      try {
        return await readImage(call, { backends, config });
      } finally {
        look();
      }
    },
    async *pdf(call) {
      try {
        return yield* readPdf(call, { backends, config, shelf });
      } finally {
        look();
      }
    },
  };
}
