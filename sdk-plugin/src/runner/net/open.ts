import type { Net } from "../../network.ts";
import type { HostLink } from "../host-link.ts";
import { fields } from "./fetch.ts";
import { Wire } from "./wire.ts";

/** `ctx.net` over the link. @source plugin-platform §4.3 */
export function openNet(link: HostLink): Net {
  return {
    async connect(host, port, { tls, signal }) {
      const wire = new Wire(link, { name: "net.connect", args: { host, port, tls }, signal });
      await wire.first("open");
      return {
        async *[Symbol.asyncIterator]() {
          for await (const { bytes } of wire.rest()) yield bytes as unknown as Uint8Array;
        },
        write: (bytes) => wire.write(bytes),
        end: () => wire.end(),
        close: async () => wire.close(),
      };
    },
    async websocket(url, { protocols = [], headers, secrets = [], signal } = {}) {
      const args = { url: String(url), protocols: [...protocols], headers: fields(headers), secrets: [...secrets] };
      const wire = new Wire(link, { name: "net.websocket", args, signal });
      const { protocol } = await wire.first("open");
      const ended = Promise.withResolvers<{ code: number; reason: string }>();
      // Whoever does not ask how it ended is not to hear of it as an error of nobody's.
      ended.promise.catch(() => {});
      return {
        protocol: protocol as string,
        async *[Symbol.asyncIterator]() {
          const messages = wire.rest();
          try {
            for (;;) {
              const next = await messages.next();
              if (next.done === true) {
                ended.resolve(next.value as { code: number; reason: string });
                return;
              }
              const { bytes, text } = next.value as unknown as { bytes: Uint8Array; text: boolean };
              yield text ? new TextDecoder().decode(bytes) : bytes;
            }
          } catch (error) {
            ended.reject(error);
            throw error;
          } finally {
            ended.resolve({ code: 1006, reason: "" });
            wire.close();
          }
        },
        send: (message) =>
          typeof message === "string"
            ? wire.write(new TextEncoder().encode(message), { whole: true, more: { text: true } })
            : wire.write(message, { whole: true }),
        close: (code = 1000, reason = "") => wire.end({ code, reason }),
        ended: ended.promise,
      };
    },
    async udp({ ipv6 = false, signal } = {}) {
      const wire = new Wire(link, { name: "net.udp", args: { ipv6 }, signal });
      await wire.first("open");
      return {
        async *[Symbol.asyncIterator]() {
          for await (const { bytes, host, port } of wire.rest())
            yield { bytes: bytes as unknown as Uint8Array, host: host as string, port: port as number };
        },
        send: ({ bytes, host, port }) => wire.write(bytes, { whole: true, more: { host, port } }),
        close: async () => wire.close(),
      };
    },
  };
}
