/** Entry of the worker process `decode`: whatever strangers sent is opened here and nowhere else. @source plugin-platform §4.4 */
import { defineWorker } from "@hearthnet/sdk-plugin";
import type { DecodeMessage } from "../backends/decode-work.ts";
import { decodeFailed } from "../failure.ts";
import { asHnError } from "../wire-error.ts";
import { createEngine, type Engine, languageFolder } from "./engine.ts";
import { createPdfReader, type PdfReader } from "./pdf-reader.ts";

let opened: { engine: Engine; pdf: PdfReader } | null = null;

export default defineWorker({
  async message(msg, { bytes, assetsDir, progress }) {
    opened ??= open(`${assetsDir ?? "/assets"}/tessdata`);
    try {
      return {
        json: await answer(opened, msg as unknown as DecodeMessage, { bytes, onDrawn: () => progress({ stage: "ocr" }) }),
      };
    } catch (error) {
      throw asHnError(error);
    }
  },
});

function open(folder: string): { engine: Engine; pdf: PdfReader } {
  const engine = createEngine(languageFolder(folder));
  return { engine, pdf: createPdfReader(engine) };
}

async function answer(
  { engine, pdf }: NonNullable<typeof opened>,
  message: DecodeMessage,
  { bytes, onDrawn }: { bytes: Uint8Array[]; onDrawn: () => void },
): Promise<unknown> {
  switch (message.op) {
    case "warm":
      await engine.warm(message.languages);
      return null;
    case "image": {
      const [picture] = bytes;
      if (!picture) throw decodeFailed("No picture was sent.");
      return { ...(await engine.read(picture, message)) };
    }
    default:
      return pdf.answer(message, bytes.length < 2 ? bytes[0] : Buffer.concat(bytes), onDrawn);
  }
}
