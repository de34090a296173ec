import type { Server } from "node:https";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { HnError } from "../../foundation/index.ts";
import { CONSTANTS } from "../../contract/index.ts";
import type { TlsIdentity } from "../../identity/index.ts";
import { readClaim } from "../inbound/header-fields.ts";
import { busCallRoute } from "./bus-call.ts";
import { communityManifestRoute, syncEventsRoute, syncHeadsRoute, syncReconcileRoute } from "./community-routes.ts";
import { dhtRoute } from "./dht-route.ts";
import { refuseBroken } from "./broken-request.ts";
import { mountedRoute } from "../mounts/serve.ts";
import { pollRoute } from "../pubsub/poll-route.ts";
import { packageBlobRoute, packageMetaRoute } from "./package-routes.ts";
import { metricsRoute, traceRoute } from "./figures-routes.ts";
import { healthRoute, manifestRoute, missingRoute, readyRoute } from "./public-routes.ts";
import type { Room } from "./room.ts";
import { send } from "./signed-route.ts";

/** How long a client may take. Milliseconds. @source 02 T-1, network.md §2.1 */
export interface Patience {
  headersMs: number;
  bodyMs: number;
  keepAliveMs: number;
}

export const PATIENCE: Patience = { headersMs: 10_000, bodyMs: 30_000, keepAliveMs: 65_000 };

/** A TLS 1.3 server with every route of the node's public port; not yet listening. */
export function createServer(room: Room, o: { tls: TlsIdentity; patience: Patience }): FastifyInstance<Server> {
  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const { headers } = request;
    send(reply, room.answerer.refuse(ownError(error), readClaim(headers["x-hearthnet-from"], headers["x-hearthnet-request-id"])));
  };
  const app = Fastify({
    https: {
      key: o.tls.key,
      cert: o.tls.cert,
      minVersion: "TLSv1.3" as const,
      // The node's own key is shown to whoever can read it; browsers get the second certificate.
      sigalgs: "ed25519:ecdsa_secp256r1_sha256",
      maxHeaderSize: CONSTANTS.HEADER_MAX_BYTES,
      headersTimeout: o.patience.headersMs,
      handshakeTimeout: o.patience.headersMs,
      // Node looks for overdue connections only this often.
      connectionsCheckingInterval: Math.min(1000, o.patience.headersMs),
    },
    requestTimeout: o.patience.bodyMs,
    keepAliveTimeout: o.patience.keepAliveMs,
    bodyLimit: CONSTANTS.CALL_BODY_CEILING_BYTES,
    forceCloseConnections: "idle",
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false },
    exposeHeadRoutes: false,
    logger: false,
    // Ours is signed, see `refuseWhenClosing`.
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => refuseBroken(room, error, socket),
    frameworkErrors: refuse,
  });
  // Bodies stay unread until a route reads them: no parser but ours ever sees them. @source 02 T-5
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.post("/bus/v1/call", busCallRoute(room));
  app.get("/manifest", manifestRoute(room));
  app.get("/community/manifest", communityManifestRoute(room));
  app.get("/sync/v1/heads", syncHeadsRoute(room));
  app.post("/sync/v1/events", syncEventsRoute(room));
  app.get("/pubsub/v1/subscribe", pollRoute(room));
  app.post("/sync/v1/reconcile", syncReconcileRoute(room));
  app.post("/dht/v1/:rpc", dhtRoute(room));
  app.get("/pkg/v1/tuf/:registry/:file", packageMetaRoute(room));
  for (const by of ["sha256", "blake3"] as const) app.get(`/pkg/v1/blobs/${by}/:hash`, packageBlobRoute(room, by));
  app.get("/metrics", metricsRoute(room));
  app.get("/trace/recent", traceRoute(room));
  app.get("/health", healthRoute(room));
  app.get("/ready", readyRoute(room));
  app.setNotFoundHandler(mountedRoute(room, missingRoute(room)));
  app.setErrorHandler(refuse);
  return app;
}

/** Fastify's own refusals (a path or media type it cannot read) are the sender's fault, everything else is ours. */
function ownError(error: unknown): HnError {
  if (HnError.isHnError(error)) return error;
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  const isSenders = typeof status === "number" && status >= 400 && status < 500;
  return new HnError(isSenders ? "bad_request" : "internal_error", { cause: error });
}
