/**
 * Text recognition: `ocr.image@1.0`.
 * @example
 * hearthnet call ocr.image --file image_b64=page.png --params '{"languages":["deu"]}'
 */
import { definePlugin } from "@hearthnet/sdk-plugin";
import { asHnError } from "./wire-error.ts";
import type { ImageInput, ImageParams } from "./capabilities/image.ts";
import { openService, type Service } from "./service.ts";

let service: Service | null = null;

export default definePlugin({
  async setup(ctx) {
    service = await openService(ctx, ctx.config);
  },
  capabilities: {
    "ocr.image@1.0": async (req) => {
      if (!service) throw new Error("a call came before setup was done");
      const params = (req.params ?? {}) as ImageParams;
      const input = (req.input ?? {}) as ImageInput;
      const call = { params, input, picture: req.binary("/input/image_b64"), signal: req.signal };
      try {
        const { output, backend } = await service.image(call);
        return { output: { ...output }, meta: { backend, ms: req.elapsedMs() } };
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
