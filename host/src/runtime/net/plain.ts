/** `ctx.net.connect`: bytes both ways, through TLS if wanted. @source plugin-platform §4.3 */
import { finished } from "node:stream/promises";
import type { JsonObject } from "../../contract/index.ts";
import type { Network } from "./network.ts";
import { piecesOf, writeTo } from "./pieces.ts";
import type { Talk } from "./talk.ts";
import type { Target } from "../permission/index.ts";

const FLUSH_MS = 2000;

/**
 * Frames: `open {handle}`, then `data {bytes}`. Ends when the other side has ended; what was written until then still leaves.
 * @throws as `Network.use`
 */
export async function connectFor(network: Network, o: { target: Target; tls: boolean }, talk: Talk): Promise<JsonObject> {
  talk.about(o.target);
  return network.use({ ...o, talk }, async (connection) => {
    talk.opened(connection);
    const { stream } = connection;
    const { clock } = network.options;
    const writer = {
      write: ({ bytes }: { bytes: Uint8Array }) => writeTo(stream, bytes),
      end: () => void stream.end(),
    };
    return network.lend(writer, async (handle) => {
      await talk.frame("open", { handle });
      for await (const bytes of piecesOf(stream, { clock })) await talk.frame("data", { bytes: bytes as never });
      const limit = clock.setTimeout(() => stream.destroy(), FLUSH_MS);
      await finished(stream.end(), { readable: false }).catch(() => {});
      limit.cancel();
      return {};
    });
  });
}
