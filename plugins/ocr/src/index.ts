/**
 * Text recognition: `ocr.image@1.0` for pictures, `ocr.pdf@1.0` for documents.
 * @example
 * hearthnet call ocr.image --file image_b64=page.png --params '{"languages":["deu"]}'
 */
import { definePlugin, type JsonObject, type Manifest } from "@hearthnet/sdk-plugin";
import { asHnError } from "./wire-error.ts";
import type { ImageInput, ImageOutput, ImageParams } from "./capabilities/image.ts";
import type { PdfDone, PdfInput } from "./capabilities/pdf.ts";
import { openService, type Service } from "./service.ts";

interface OcrManifest extends Manifest {
  config: JsonObject;
  capabilities: {
    "ocr.image@1.0": { params: ImageParams; input: ImageInput; output: ImageOutput };
    "ocr.pdf@1.0": { params: ImageParams; input: PdfInput; output: PdfDone };
  };
}

let service: Service | null = null;

export default definePlugin<OcrManifest>({
  async setup(ctx) {
    service = await openService(ctx, ctx.config);
  },
  capabilities: {
    "ocr.image@1.0": async (req) => {
      const { params, input, blobs: files, signal } = req;
      const call = { params, input, files, picture: req.binary("/input/image_b64"), signal };
      try {
        const { output, backend } = await running().image(call);
        return { output, meta: { backend, ms: req.elapsedMs() } };
      } catch (error) {
        throw asHnError(error);
      }
    },
    "ocr.pdf@1.0": async function* (req) {
      const { id, params, input, blobs: files, signal } = req;
      const file = req.binary("/input/pdf_b64");
      try {
        return yield* running().pdf({ id, params, input, files, file, signal, elapsedMs: () => req.elapsedMs() });
      } catch (error) {
        throw asHnError(error);
      }
    },
  },
  async onConfig(next) {
    await service?.configure(next);
    return "applied";
  },
});

function running(): Service {
  if (!service) throw new Error("a call came before setup was done");
  return service;
}
