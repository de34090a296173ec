import { Readable } from "node:stream";
import { CONSTANTS, type DevLine, type DevSwap } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { ApiReply, type ApiRequest, type ApiRoute } from "../context.ts";
import { shape, TEXT } from "./shapes.ts";

const BASE = "/dev/sessions";
/** A terminal that does not read gets no more lines until it does. */
const UNREAD_MAX_BYTES = 1_048_576;

/** A file of an asset, and where the node finds it on this machine. */
interface BringBody {
  path: string;
  sha256: string;
  cid: string;
  size_bytes: number;
  source: string;
}

/** An author's session lives as long as the stream that opened it. @source plugin-platform §9 `dev` */
export const devRoutes: readonly ApiRoute[] = [
  {
    method: "POST",
    path: BASE,
    role: "socket",
    audit: "dev.open",
    auditTarget: ({ plugin }: { plugin: string }) => plugin,
    body: shape({
      plugin: TEXT(80),
      grants: { oneOf: [{ const: "all" }, { type: "array", maxItems: 64, items: { type: "string", maxLength: 64 } }] },
      "confirm_id?": { type: "string", maxLength: 80 },
    }),
    handle: (request: ApiRequest<{ plugin: string; grants: "all" | string[]; confirm_id?: string }>, { services }) => {
      const { plugin, grants, confirm_id } = request.body;
      const lines = new Readable({ read: () => {} });
      const emit = (line: DevLine): void => {
        if (lines.readableLength < UNREAD_MAX_BYTES) lines.push(`${JSON.stringify(line)}\n`);
      };
      const order = { plugin, grants, ...(confirm_id === undefined ? {} : { confirmId: confirm_id }) };
      const session = services.dev.open(order, emit);
      void session.ended.then(() => lines.push(null));
      // However the terminal went, its plugin goes as well.
      request.signal.addEventListener("abort", () => {
        session.close().catch((error: unknown) => {
          services.log.error("a plugin of an author's session could not be removed", { plugin, error: HnError.from(error) });
        });
      });
      return new ApiReply(lines);
    },
  },
  {
    method: "POST",
    path: `${BASE}/:id/releases`,
    role: "socket",
    octets: true,
    bodyLimit: CONSTANTS.PACKAGE_MAX_BYTES,
    audit: "dev.push",
    handle: (request: ApiRequest<Buffer>, { services }): Promise<DevSwap> =>
      services.dev.session(request.params["id"] ?? "").push(request.body),
  },
  {
    method: "POST",
    path: `${BASE}/:id/assets`,
    role: "socket",
    audit: "dev.bring",
    auditTarget: ({ source }: BringBody) => source,
    body: shape({
      path: TEXT(200),
      sha256: { type: "string", pattern: "^[0-9a-f]{64}$" },
      cid: { type: "string", pattern: "^blake3:[0-9a-f]{64}$" },
      size_bytes: { type: "integer", minimum: 0 },
      source: TEXT(4096),
    }),
    handle: async (request: ApiRequest<BringBody>, { services }) => {
      const { size_bytes: sizeBytes, source, ...file } = request.body;
      await services.dev.session(request.params["id"] ?? "").bring({ ...file, sizeBytes }, source);
      return {};
    },
  },
  {
    method: "DELETE",
    path: `${BASE}/:id`,
    role: "socket",
    audit: "dev.close",
    handle: async (request: ApiRequest, { services }) => {
      await services.dev.session(request.params["id"] ?? "").close();
      return {};
    },
  },
];
