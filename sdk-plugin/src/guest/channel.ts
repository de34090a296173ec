/** The guest's end of its connection: text and bytes, nothing else, cross the border of the isolate. */
import { CONSTANTS } from "@hearthnet/host/contract";
import { HnError } from "../error.ts";
import type { Connection } from "../runner/serve.ts";
import { byteLength } from "./text.ts";

/** Takes a message as JSON, the pointers of its attachments as JSON, and their bytes. */
export type Post = (message: string, pointers: string, ...parts: ArrayBuffer[]) => void;

export function openChannel(post: Post): Connection {
  let nextId = 1;
  return {
    closed: false,
    nextId() {
      const id = nextId;
      nextId += 2;
      return id;
    },
    send(message, attachments = {}) {
      try {
        const text = JSON.stringify(message);
        if (isTooLarge(text))
          throw new HnError("plugin_gone", { reason: "protocol_error", message: "The message is larger than 1 MiB." });
        const parts = Object.values(attachments).map((part) => part.slice().buffer);
        post(text, JSON.stringify(Object.keys(attachments)), ...parts);
        return Promise.resolve();
      } catch (error) {
        return Promise.reject(error);
      }
    },
    // Posted is sent: the host sees all of it.
    abort: () => false,
    flush() {},
  };
}

function isTooLarge(text: string): boolean {
  const most = CONSTANTS.PLUGIN_HEADER_MAX_BYTES;
  return text.length > most || (text.length * 3 > most && byteLength(text) > most);
}
