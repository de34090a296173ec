import { availableParallelism } from "node:os";
import type { OcrBackend } from "./backends/backend.ts";
import { PageQueue, workersFor } from "./backends/page-queue.ts";
import { createTesseract, type DecodeHost } from "./backends/tesseract.ts";
import { type ImageCall, type ImageOutput, readImage } from "./capabilities/image.ts";
import { type OcrConfig, readConfig } from "./config.ts";
import { type HealthReport, HealthWatch, type Later, laterByTimer } from "./health-watch.ts";

/** The part of the plugin context that the service needs; `ctx` fits. */
export interface ServiceHost extends DecodeHost {
  capabilities: {
    register(ref: string, instance: { params: object; maxConcurrent?: number }): Promise<{ remove(): Promise<void> }>;
  };
  health: { report(state: HealthReport): void };
}

export interface Service {
  image(call: ImageCall): Promise<{ output: ImageOutput; backend: string }>;
  /** Takes new settings over; pages being read finish under the old ones. */
  configure(raw: Readonly<Record<string, unknown>>): Promise<void>;
}

/** Registers one capability for each backend and keeps them in step with the settings. @source 22 §1 */
export async function openService(
  host: ServiceHost,
  raw: Readonly<Record<string, unknown>>,
  later: Later = laterByTimer,
): Promise<Service> {
  const watch = new HealthWatch((state) => host.health.report(state), later);
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
      registrations.push(await host.capabilities.register("ocr.image@1.0", { params, maxConcurrent: 4 }));
      void backend.warm();
    }
  }

  await configure(raw);
  return {
    configure,
    async image(call) {
      try {
        return await readImage(call, { backends, config });
      } finally {
        for (const backend of backends) watch.look(backend);
      }
    },
  };
}
