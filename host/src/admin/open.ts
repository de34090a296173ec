import { chmodSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import fastifyCookie from "@fastify/cookie";
import fastifyWebsocket from "@fastify/websocket";
import Fastify, { type FastifyInstance } from "fastify";
import type { BusChange } from "../contract/index.ts";
import { HnError } from "../foundation/index.ts";
import { ROUTES } from "./api/index.ts";
import { mayShow } from "./api/panels.ts";
import { setupUrl } from "./api/setup.ts";
import { Audit } from "./audit.ts";
import { Sessions } from "./auth/sessions.ts";
import { Setup } from "./auth/setup.ts";
import { AdminStore } from "./auth/store.ts";
import type { AdminContext } from "./context.ts";
import { Jobs } from "./jobs.ts";
import { CANONICAL_HOST, checkHost, isOwnOrigin } from "./listener/guard.ts";
import { mountOperatorRoutes } from "./listener/operator-routes.ts";
import { mountPage } from "./listener/page.ts";
import { sendError } from "./listener/reply.ts";
import { callerOf, type DoorOptions, mountRoutes } from "./listener/routes.ts";
import { LiveHub } from "./live/hub.ts";
import { serveLive } from "./live/socket.ts";
import { mountPanelHost, panelOrigin } from "./panels/host.ts";
import { PanelVisits, type OpenVisit } from "./panels/visits.ts";
import type { AdminServices } from "./services.ts";

const SOCKET = "admin.sock";

export interface AdminOptions {
  services: AdminServices;
  /** Folder that holds `admin.db` and `admin.sock`. */
  dataDir: string;
  /** 0: the system chooses. */
  port: number;
  /** Folder of the built page. */
  uiDir: string;
}

export interface Admin {
  url: string;
  /** Link for the first run, or null when the node is set up. */
  setupLink(): string | null;
  close(): Promise<void>;
}

/**
 * Opens the operator's two doors: the page on loopback and the operator socket for the terminal.
 * @throws bad_request port_taken
 * @source admin-ui §3, §4
 */
export async function openAdmin(options: AdminOptions): Promise<Admin> {
  const { services } = options;
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const store = new AdminStore(join(options.dataDir, "admin.db"));
  const live = new LiveHub(services.newUlid());
  const sessions = new Sessions({ store, clock: services.clock, random: services.random });
  let port = options.port;
  const context: AdminContext = {
    services,
    store,
    live,
    sessions,
    panels: new PanelVisits({ sessions, clock: services.clock, random: services.random }),
    panelOrigin: () => panelOrigin(port),
    setup: new Setup({ store, clock: services.clock, random: services.random }),
    audit: new Audit(store, services.clock),
    jobs: new Jobs(services.newUlid, (job) => live.publish("jobs", job)),
  };
  const unwatch = watch(context);
  const page = await openDoor({ door: "page", context, port: () => port });
  await mountPage(page, { uiDir: options.uiDir, port: () => port });
  const socket = await openDoor({ door: "socket", context, port: () => port });
  try {
    await page.listen({ host: "127.0.0.1", port: options.port });
    port = (page.server.address() as { port: number }).port;
    await listenOnSocket(socket, options.dataDir);
  } catch (error) {
    await Promise.allSettled([page.close(), socket.close()]);
    store.close();
    throw (error as { code?: string }).code === "EADDRINUSE"
      ? new HnError("bad_request", { reason: "port_taken", cause: error })
      : error;
  }
  return {
    url: `http://${CANONICAL_HOST}:${port}`,
    setupLink: () => (context.setup.done() ? null : setupUrl(context)),
    close: async () => {
      unwatch();
      for (const client of page.websocketServer.clients) client.close(1001, "the node stops");
      await Promise.allSettled([page.close(), socket.close()]);
      rmSync(join(options.dataDir, SOCKET), { force: true });
      store.close();
    },
  };
}

async function openDoor(o: DoorOptions): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    trustProxy: false,
    genReqId: () => o.context.services.newUlid(),
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
  });
  if (o.door === "page") {
    const { panels, services } = o.context;
    const isCurrent = ({ plugin, sha256 }: OpenVisit): boolean =>
      services.runtime.release(plugin)?.sha256 === sha256 && mayShow(plugin, o.context);
    mountPanelHost(app, { visits: panels, port: o.port, isCurrent });
  }
  await app.register(fastifyCookie);
  await app.register(fastifyWebsocket, { options: { maxPayload: 65_536, perMessageDeflate: false } });
  app.addHook("onSend", async (_request, reply) => {
    reply.headers({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "x-frame-options": "DENY",
    });
  });
  mountRoutes(app, ROUTES, o);
  app.route({
    method: "GET",
    url: "/api/v1/live",
    handler: (request, reply) =>
      sendError(reply, {
        error: new HnError("bad_request", { reason: "upgrade_unsupported", message: "This address speaks WebSocket only." }),
        traceId: request.id,
      }),
    preValidation: async (request, reply) => {
      try {
        if (o.door === "page") {
          checkHost(request.headers.host, o.port());
          if (!isOwnOrigin(request)) throw new HnError("unauthorized", { reason: "cross_site" });
        }
        callerOf(request, o);
      } catch (error) {
        return sendError(reply, { error, traceId: request.id });
      }
    },
    wsHandler: (socket, request) => serveLive(socket, callerOf(request, o), o.context),
  });
  if (o.door === "socket") mountOperatorRoutes(app, o.context);
  app.all("/api/*", (request, reply) =>
    sendError(reply, {
      error: new HnError("not_found", { message: "There is no such address in the operator's API." }),
      traceId: request.id,
    }),
  );
  return app;
}

/**
 * A socket path ends at 107 bytes; through the folder's descriptor any depth works. Whoever can open the file is the owner, so the file is 0600.
 * @source admin-ui §4 "Listener"
 */
async function listenOnSocket(app: FastifyInstance, dataDir: string): Promise<void> {
  const path = join(dataDir, SOCKET);
  rmSync(path, { force: true });
  const short =
    Buffer.byteLength(path) < 100 || process.platform !== "linux" ? path : `/proc/self/fd/${openSync(dataDir, "r")}/${SOCKET}`;
  const former = process.umask(0o177);
  try {
    await app.listen({ path: short });
  } finally {
    process.umask(former);
  }
  chmodSync(path, 0o600);
}

/** Turns what the rooms announce into live topics. */
function watch({ services, live }: AdminContext): () => void {
  live.snapshotWith("node", () => services.facts());
  live.snapshotWith("plugins", () => services.runtime.list());
  live.snapshotWith("questions", () => services.runtime.rights.questions());
  live.snapshotWith("mesh", () => services.peers.list());
  live.snapshotWith("members", () => services.community.members());
  live.snapshotWith("calls", () => services.bus.recentCalls(50));
  live.feedWith("calls", (_rest, emit) => services.bus.onCall(emit));
  live.feedWith("meters", (id, emit) => services.runtime.onMeter(id, emit));
  live.feedWith("logs", (id, emit) => services.runtime.onLog(id, emit));
  const stops = [
    services.runtime.onChange((status) => live.publish("plugins", status)),
    services.runtime.rights.onQuestions((open) => live.publish("questions", open)),
    services.peers.onChange(() => live.publish("mesh", services.peers.list())),
    services.community.onEvent((event) => {
      if (event.event_type.startsWith("community.")) live.publish("members", services.community.members());
      // Nothing but that something is new: what it is, whoever may see it asks for.
      if (event.event_type.startsWith("auth.token.")) live.publish("tokens", {});
    }),
    services.runtime.ledgerView.onRow((row) => live.publish("ledger", row)),
    services.bus.onChange((_change: BusChange) => live.publish("node", services.facts())),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
