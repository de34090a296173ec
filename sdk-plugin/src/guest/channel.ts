/** The guest's end of its connection: text and bytes, nothing else, cross the border of the isolate. */
import { CONSTANTS } from "@hearthnet/host/contract";
import { HnError } from "../error.ts";
import type { Connection } from "../runner/serve.ts";
import { byteLength } from "./text.ts";

/** Takes a message as JSON, and where it has attachments their pointers as JSON and their bytes. */
export type Post = (message: string, pointers?: string, ...parts: ArrayBuffer[]) => void;

const POSTED: Promise<void> = Promise.resolve();

export function openChannel(post: Post): Connection {
  let nextId = 1;
  return {
    closed: false,
    nextId() {
      const id = nextId;
      nextId += 2;
      return id;
    },
    send(message, attachments) {
      try {
        const text = JSON.stringify(message);
        if (isTooLarge(text))
          throw new HnError("plugin_gone", { reason: "protocol_error", message: "The message is larger than 1 MiB." });
        const pointers = attachments === undefined ? [] : Object.keys(attachments);
        if (attachments === undefined || pointers.length === 0) post(text);
        else post(text, JSON.stringify(pointers), ...Object.values(attachments).map((part) => part.slice().buffer));
        return POSTED;
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
