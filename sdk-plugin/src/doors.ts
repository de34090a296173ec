/** What a plugin answers beside calls of the bus: requests on its routes, and its panels. @source plugin-platform §4.3, §4.6 */
import type { JsonObject, JsonValue, Principal } from "@hearthnet/host/contract";
import type { HnBytes } from "./bytes.ts";
import type { Caller, Ctx } from "./context.ts";

/** A request on a route of `contributes.http`; who sent it is proven by the host, as the route's `auth` says. */
export interface HttpRequest extends Caller {
  readonly id: string;
  readonly traceId: string;
  /** As declared: `POST /ext/acme/board/notes/:id`. */
  readonly route: string;
  /** As it came, without the query. */
  readonly path: string;
  /** Decoded parameters of the path and of the query. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** By lower-case name; cookies and what the host decides by are not among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON body; undefined when something else came, or nothing. */
  readonly body: JsonObject | undefined;
  /** A body that is no JSON. */
  readonly bytes: HnBytes | undefined;
  /** Null on `public` and `bearer` routes: nobody has proven who they are, and `call` and `stream` are refused. */
  readonly caller: Principal | null;
  /** Unix milliseconds. */
  readonly deadline: number;
  /** Fires when the caller has left and at the deadline. End within 200 ms of it. */
  readonly signal: AbortSignal;
}

/** At most one of `json`, `text` and `bytes`. JSON is signed by the node; headers that could harm a browser stay behind. */
export interface HttpAnswer {
  /** 200 to 299, 304, or 400 to 599. */
  status: number;
  headers?: Record<string, string>;
  json?: object;
  text?: string;
  bytes?: Uint8Array | HnBytes;
}

export type HttpHandler<Config extends object = JsonObject> = (
  request: HttpRequest,
  ctx: Ctx<Config>,
) => Promise<HttpAnswer> | HttpAnswer;

/** One client of a WebSocket route. It lasts for as long as the handler runs; the client's proof is the route's `auth`, as with requests. */
export interface Socket extends Omit<HttpRequest, "body" | "bytes"> {
  /** Agreed on, of the manifest's `protocols`; null where it names none. */
  readonly protocol: string | null;
  /** What the client sends, text or bytes; ends when the client has closed. Read it once: who does not read slows the client down. */
  messages(): AsyncIterable<string | Uint8Array>;
  /**
   * Resolves when there is room for more: wait for it, and a slow client slows you down instead of filling memory.
   * @throws HnError bad_request beyond 1 MiB · AbortError once it has ended
   */
  send(message: string | Uint8Array): Promise<void>;
  /** Ends it. @param code  1000, or one of your own from 3000 to 4999. @param reason  at most 123 bytes */
  close(code?: number, reason?: string): void;
}

/** Returning closes with 1000, throwing with a code that says what was wrong. */
export type SocketHandler<Config extends object = JsonObject> = (socket: Socket, ctx: Ctx<Config>) => Promise<void> | void;

export interface PanelCall {
  /** Id of the panel in the manifest. */
  readonly panel: string;
  /** Fires when the panel has gone and at the deadline. */
  readonly signal: AbortSignal;
}

/** What a panel may ask for. `ctx` acts under the plugin's rights, for as long as the panel waits; the answer is JSON of at most 64 KiB. */
export type PanelMethod<Config extends object = JsonObject> = (input: JsonValue, ctx: Ctx<Config>, call: PanelCall) => unknown;
