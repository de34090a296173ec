import { Readable } from "node:stream";
import type { Frame, JsonObject } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { withoutBytes } from "./bytes.ts";

/** One JSON frame a line, as far as the reader takes them; the last line is `done` or `error`. */
export function frameLines(begin: () => Promise<AsyncGenerator<Frame, JsonObject, void>>): Readable {
  const lines = (async function* () {
    try {
      const frames = await begin();
      for (;;) {
        const next = await frames.next();
        yield `${JSON.stringify(next.done === true ? { event: "done", data: withoutBytes(next.value) } : withoutBytes(next.value))}\n`;
        if (next.done === true) return;
      }
    } catch (error) {
      yield `${JSON.stringify({ event: "error", data: HnError.from(error).toLocal() })}\n`;
    }
  })();
  return Readable.from(lines);
}
