/** Entry of the worker process `decode`: whatever strangers sent is opened here and nowhere else. @source plugin-platform §4.4 */
import { defineWorker } from "@hearthnet/sdk-plugin";
import type { DecodeMessage } from "../backends/tesseract.ts";
import { decodeFailed } from "../failure.ts";
import { asHnError } from "../wire-error.ts";
import { createEngine, type Engine, languageFolder } from "./engine.ts";

let engine: Engine | null = null;

export default defineWorker({
  async message(msg, { bytes, assetsDir }) {
    engine ??= createEngine(languageFolder(`${assetsDir ?? "/assets"}/tessdata`));
    const message = msg as unknown as DecodeMessage;
    try {
      if (message.op === "warm") {
        await engine.warm(message.languages);
        return { json: null };
      }
      const [picture] = bytes;
      if (!picture) throw decodeFailed("No picture was sent.");
      return { json: { ...(await engine.read(picture, message)) } };
    } catch (error) {
      throw asHnError(error);
    }
  },
});
