import type { CallReply, Caller } from "../context.ts";
import type { HostLink, Parent } from "./host-link.ts";

/** Calls to other capabilities: the plugin's own, or under the caller of the call that it works on. */
export function openCaller(link: HostLink, parent: Parent | undefined): Caller {
  return {
    async call(cap, body, { signal, ...rest } = {}): Promise<CallReply> {
      return link.op("bus.call", { cap, body, ...rest }, { parent, signal });
    },
    stream(cap, body, { signal, frames, ...rest } = {}) {
      const follows = frames === undefined ? {} : { stream: true };
      return link.frames("bus.stream", { cap, body, ...rest, ...follows }, { parent, signal, frames });
    },
  };
}
