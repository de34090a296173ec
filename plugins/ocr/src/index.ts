/**
 * Text recognition: `ocr.image@1.0` for pictures, `ocr.pdf@1.0` for documents.
 * @example
 * hearthnet call ocr.image --file image_b64=page.png --params '{"languages":["deu"]}'
 */
import { bytesOf, definePlugin, type Blobs, type JsonObject, type JsonValue, type Manifest } from "@hearthnet/sdk-plugin";
import { asHnError } from "./wire-error.ts";
import type { ImageInput, ImageOutput, ImageParams } from "./capabilities/image.ts";
import type { PdfDone, PdfInput } from "./capabilities/pdf.ts";
import { laterByTimer } from "./health-watch.ts";
import { fieldOf, ReadingDesk } from "./reading-desk.ts";
import { openService, type Service } from "./service.ts";

interface OcrManifest extends Manifest {
  config: JsonObject;
  capabilities: {
    "ocr.image@1.0": { params: ImageParams; input: ImageInput; output: ImageOutput };
    "ocr.pdf@1.0": { params: ImageParams; input: PdfInput; output: PdfDone };
  };
}

let service: Service | null = null;
let desk: ReadingDesk | null = null;

export default definePlugin<OcrManifest>({
  async setup(ctx) {
    service = await openService(ctx, ctx.config);
    desk = openDesk(service, ctx.blobs);
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
  panel: {
    methods: {
      lay: onDesk((own, input) => ({ id: own.lay(fieldOf(input, "size", "number")) })),
      add: onDesk((own, input) => {
        const data = Buffer.from(fieldOf(input, "data", "string"), "base64");
        return { received: own.add(fieldOf(input, "id", "string"), { at: fieldOf(input, "at", "number"), data }) };
      }),
      start: onDesk((own, input) => {
        const locked = (input as JsonObject | null)?.["password"] !== undefined;
        own.start(fieldOf(input, "id", "string"), locked ? fieldOf(input, "password", "string") : undefined);
        return {};
      }),
      look: onDesk((own, input) => own.look(fieldOf(input, "id", "string"), fieldOf(input, "from", "number"))),
      stop: onDesk((own, input) => {
        own.stop(fieldOf(input, "id", "string"));
        return {};
      }),
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

/** The owner's own documents, read without a detour over the bus. Nothing of them is stored. */
function openDesk(own: Service, files: Blobs): ReadingDesk {
  return new ReadingDesk(({ file, password, signal }) => {
    const input = password === undefined ? {} : { password };
    const start = Date.now();
    return own.pdf({ id: "panel", params: {}, input, file: bytesOf(file), files, signal, elapsedMs: () => Date.now() - start });
  }, laterByTimer);
}

function onDesk(answer: (own: ReadingDesk, input: JsonValue) => object): (input: JsonValue) => object {
  return (input) => {
    if (!desk) throw new Error("a page asked before setup was done");
    try {
      return answer(desk, input);
    } catch (error) {
      throw asHnError(error);
    }
  };
}
