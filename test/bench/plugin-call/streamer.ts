import { join } from "node:path";
import type { PluginParts } from "../../security/attacks/daemon.ts";

export const STREAM = "ext.stream.bytes";

/** The plugin of `test/fixtures/plugins/stream`, without an id. */
export function streamer(): Omit<PluginParts, "id"> {
  return {
    capability: STREAM,
    entry: join(import.meta.dirname, "..", "..", "fixtures", "plugins", "stream", "plugin.ts"),
    streams: true,
    binary: ["/piece/piece_b64"],
  };
}
