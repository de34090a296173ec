/** Doors that a plugin opens: routes on the public port, and panels on the operator's page. @source plugin-platform §2.1, §2.4, §4.6 */
import type { Principal } from "./bus.ts";
import type { JsonObject } from "./ids.ts";

/**
 * Who may come in by a route. `member`, `federated` and `signed` pass the pipeline of 02 §3 (`signed`: any key, steps 7 and 8 left out);
 * `public` and `bearer` are judged by the plugin alone; `operator` exists at the operator's socket only.
 */
export type RouteAuth = "public" | "member" | "federated" | "operator" | "signed" | "bearer";

/** A request on a mounted route, with everything about it that a plugin may see. */
export interface RouteRequest {
  /** As it came, without the query. */
  path: string;
  /** Decoded path parameters. */
  params: Record<string, string>;
  /** Decoded query parameters; each stands there once. */
  query: Record<string, string>;
  /** By lower-case name, of the list in `transport/mounts/headers.ts`. */
  headers: Record<string, string>;
  /** JSON object, parsed strictly and where it was signed the verified one; or bytes; or nothing. */
  body: { json?: JsonObject; bytes?: Uint8Array };
  /** Null where nobody has proven who they are. */
  caller: Principal | null;
  requestId: string;
  traceId: string;
  /** Milliseconds the caller is willing to wait. */
  timeoutMs?: number;
  /** Fires when the caller went away. */
  signal: AbortSignal;
}

export interface RouteAnswer {
  status: number;
  headers: Record<string, string>;
  /** At most one of them; JSON is signed on its way out. */
  body: { json?: JsonObject; text?: string; bytes?: Uint8Array };
}

/** One message of a WebSocket: text, or bytes. */
export type SocketMessage = string | Uint8Array;

/** How a plugin ends a WebSocket. */
export interface SocketEnd {
  /** 1000, or one of the plugin's own from 3000 to 4999. */
  code: number;
  /** At most 123 bytes. */
  reason: string;
}

/** A route that speaks WebSocket instead of answering. */
export interface RouteSocket {
  /** Subprotocols, one of which the client must offer; empty: none is agreed on. */
  protocols: readonly string[];
  /**
   * Speaks with one client: takes what it sends, yields what it is sent. Leaving the loop ends it for the plugin.
   * @param incoming  ends when the client has ended
   * @throws HnError
   */
  talk(
    request: RouteRequest,
    o: { protocol: string | null; incoming: AsyncIterable<SocketMessage> },
  ): AsyncGenerator<SocketMessage, SocketEnd, void>;
}

export interface MountedRoute {
  method: string;
  /** Below the prefix, with parameters like `:id`. */
  path: string;
  auth: RouteAuth;
  /** Pseudo-capability that signs it; for `member`, `federated` and `signed`. @source 02 T-4 */
  pseudo?: string;
  maxBodyBytes: number;
  /** @throws HnError; bad_request reason websocket_only where it speaks WebSocket */
  serve(request: RouteRequest): Promise<RouteAnswer>;
  /** Absent: it answers each request by itself. */
  socket?: RouteSocket;
}

/** Routes of one release that are live. */
export interface Mounting {
  /** Nothing when another release has taken the plugin's place meanwhile. */
  withdraw(): void;
}

/** What has been mounted, for the doors that requests come in by. */
export interface MountLookup {
  /** @param path  as it came, without the query */
  find(method: string, path: string): { route: MountedRoute; params: Record<string, string> } | undefined;
}

/** The public port's router, as the runtime fills it. */
export interface Mounts {
  /**
   * Checks the routes of one release.
   * @returns puts them into the place of the plugin's former ones, in one step
   * @throws bad_request reason route_taken
   */
  prepare(plugin: string, routes: readonly MountedRoute[]): () => Mounting;
}
