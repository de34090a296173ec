/**
 * Text recognition: `ocr.image@1.0`.
 * @example
 * hearthnet call ocr.image --file image_b64=page.png --params '{"languages":["deu"]}'
 */
import { definePlugin, type JsonObject, type Manifest } from "@hearthnet/sdk-plugin";
import { asHnError } from "./wire-error.ts";
import type { ImageInput, ImageOutput, ImageParams } from "./capabilities/image.ts";
import { openService, type Service } from "./service.ts";

interface OcrManifest extends Manifest {
  config: JsonObject;
  capabilities: { "ocr.image@1.0": { params: ImageParams; input: ImageInput; output: ImageOutput } };
}

let service: Service | null = null;

export default definePlugin<OcrManifest>({
  async setup(ctx) {
    service = await openService(ctx, ctx.config);
  },
  capabilities: {
    "ocr.image@1.0": async (req) => {
      if (!service) throw new Error("a call came before setup was done");
      const call = { params: req.params, input: req.input, picture: req.binary("/input/image_b64"), signal: req.signal };
      try {
        const { output, backend } = await service.image(call);
        return { output, meta: { backend, ms: req.elapsedMs() } };
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
