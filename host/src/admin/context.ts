import type { FastifyRequest } from "fastify";
import type { Role, Session } from "../contract/index.ts";
import { HnError } from "../foundation/index.ts";
import type { Audit } from "./audit.ts";
import type { Sessions } from "./auth/sessions.ts";
import type { Setup } from "./auth/setup.ts";
import type { AdminStore } from "./auth/store.ts";
import type { Jobs } from "./jobs.ts";
import type { LiveHub } from "./live/hub.ts";
import type { PanelVisits } from "./panels/visits.ts";
import type { AdminServices } from "./services.ts";

/** What the handlers of both doors share. */
export interface AdminContext {
  services: AdminServices;
  store: AdminStore;
  sessions: Sessions;
  setup: Setup;
  audit: Audit;
  jobs: Jobs;
  live: LiveHub;
  panels: PanelVisits;
  /** `http://host:port` under which panels are served. */
  panelOrigin: () => string;
}

/** Who asks: a browser with a session, or the terminal over the operator socket, which is the owner and always stepped up. */
export interface Caller {
  door: "page" | "socket";
  session: Session;
  /** Cookie value; absent on the socket. */
  sessionId?: string;
  /** For rate limits and the audit. */
  address: string;
}

export interface ApiRequest<B = unknown> {
  caller: Caller;
  params: Record<string, string>;
  query: Record<string, string>;
  body: B;
  raw: FastifyRequest;
  /** Aborts when the client hangs up. */
  signal: AbortSignal;
}

/** One row of the operator's API. @source admin-ui §3 */
export interface ApiRoute {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api/v1`. */
  path: string;
  /** A second address, from the root, where others look for it by custom. */
  alias?: string;
  role: Role | "none" | "setup" | "socket";
  stepUp?: boolean;
  /** JSON Schema of the body; absent: no body is read. */
  body?: Record<string, unknown>;
  /** Raw bytes instead of JSON. */
  octets?: boolean;
  /** Raw bytes as they come: the body is a `Readable`, and never in memory as a whole. */
  streamed?: boolean;
  bodyLimit?: number;
  /** Audit action; absent for reads. */
  audit?: string;
  /** What it was done to, for the audit, where the address does not say it: a name or an id out of the body. */
  auditTarget?(body: never): string;
  /** Result is the JSON answer; an `ApiReply` sets status, cookies or a stream. */
  handle(request: ApiRequest<never>, context: AdminContext): unknown;
}

export class ApiReply {
  readonly body: unknown;
  readonly status: number;
  readonly cookies: { name: string; value: string | null; maxAgeSeconds: number }[];
  /** JSON unless said. */
  readonly type: string | undefined;
  readonly headers: Record<string, string>;
  /** What it was done to, for the audit, where only the answer says it. */
  readonly auditTarget: string | undefined;

  constructor(
    body: unknown,
    o: {
      status?: number;
      cookies?: ApiReply["cookies"];
      type?: string;
      headers?: Record<string, string>;
      auditTarget?: string;
    } = {},
  ) {
    this.body = body;
    this.type = o.type;
    this.headers = o.headers ?? {};
    this.auditTarget = o.auditTarget;
    this.status = o.status ?? 200;
    this.cookies = o.cookies ?? [];
  }
}

const RANK: Record<Role, number> = { viewer: 0, operator: 1, owner: 2 };

/** @throws unauthorized, reason step_up_required when only the fresh password is missing */
export function checkRole(caller: Caller, route: Pick<ApiRoute, "role" | "stepUp">, now: number): void {
  if (route.role === "socket") {
    if (caller.door !== "socket") throw new HnError("unauthorized", { message: "This works in the terminal only." });
    return;
  }
  if (route.role === "none" || route.role === "setup") return;
  if (RANK[caller.session.role] < RANK[route.role])
    throw new HnError("unauthorized", { message: `This needs the role ${route.role}; you are ${caller.session.role}.` });
  if (route.stepUp === true && caller.door === "page" && caller.session.step_up_until <= now)
    throw new HnError("unauthorized", { reason: "step_up_required" });
}
