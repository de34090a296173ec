/** What a plugin process is asked: a call from the bus, a request on its route, a wish of its panel. All are answered alike. @source plugin-platform §5.2 */
import type { DispatchedCall, Frame, HostMessage, JsonObject, JsonValue, RouteRequest } from "../../contract/index.ts";

/** Under whose rights the plugin's ops for it run: of who asked, the plugin's own, or nobody's, because nobody has proven who they are. */
export type Authority = "caller" | "own" | "nobody";

/** A call on its way into the process: of a capability, or of a role. */
export interface HandedCall extends DispatchedCall {
  role?: { name: string; method: string };
}

export interface Question {
  /** Names it in figures and faults; of a call `name@X.Y` as registered. */
  ref: string;
  call: HandedCall;
  authority: Authority;
  /** Stands in the ledger beside what the plugin does for it. */
  via: "" | "panel";
  /** It goes on for as long as somebody likes, and ends at once when it is cancelled: a WebSocket. */
  lasting?: true;
  /** @param o.body  the call's body without its bytes */
  message(o: { id: number; body: JsonObject; deadlineMs: number }): HostMessage;
}

const NODE = { capability: "", version: [1, 0] as [number, number], stream: false, hops: 0 };
const NOBODY = { kind: "stranger", node_id: "", community_id: null, level: "unknown" } as const;

export function callQuestion(ref: string, call: HandedCall): Question {
  return {
    ref,
    call,
    authority: "caller",
    via: "",
    message({ id, body, deadlineMs }) {
      const { role, caller, traceId: trace, requestId, stream } = call;
      if (role !== undefined)
        return { t: "role", id, role: role.name, method: role.method, body, caller, trace, requestId, deadlineMs, stream };
      const message = { t: "call", id, cap: ref, body, caller, trace, requestId, deadlineMs, stream } as const;
      return call.frames === undefined ? message : { ...message, frames: true };
    },
  };
}

/** JSON that would crowd a message's header travels as text beside it. */
const JSON_INLINE_BYTES = 262_144;

function bodyOf({ json, bytes }: RouteRequest["body"]): object {
  if (json === undefined) return bytes === undefined ? {} : { bytes };
  const text = JSON.stringify(json);
  return text.length > JSON_INLINE_BYTES ? { encoded: Buffer.from(text, "utf8") } : { json };
}

/**
 * @param o.route  `METHOD /path` as declared
 * @param o.socket  where it opens a WebSocket: what its client sends follows
 */
export function routeQuestion(
  request: RouteRequest,
  o: { route: string; deadline: number; socket?: { protocol: string | null; frames: AsyncIterable<Frame> } },
): Question {
  const { path, params, query, headers, body, caller, requestId, traceId } = request;
  const { socket } = o;
  const call = { ...NODE, body: bodyOf(body) as never, caller: caller ?? NOBODY, traceId, requestId, deadline: o.deadline };
  return {
    ref: o.route,
    call: socket === undefined ? call : { ...call, stream: true, frames: socket.frames },
    authority: caller === null ? "nobody" : "caller",
    via: "",
    ...(socket === undefined ? {} : { lasting: true as const }),
    message: ({ id, body: plain, deadlineMs }) => ({
      t: "http",
      id,
      route: o.route,
      ...(socket === undefined ? {} : { socket: { protocol: socket.protocol } }),
      path,
      params,
      query,
      headers,
      body: plain,
      caller,
      trace: traceId,
      requestId,
      deadlineMs,
    }),
  };
}

export interface PanelWish {
  /** Id of the panel in the manifest. */
  panel: string;
  method: string;
  input: JsonValue;
}

export function panelQuestion(wish: PanelWish, o: { requestId: string; deadline: number }): Question {
  const { panel, method, input } = wish;
  const { requestId, deadline } = o;
  return {
    ref: `panel ${panel} ${method}`,
    call: { ...NODE, body: {} as never, caller: NOBODY, traceId: requestId, requestId, deadline },
    authority: "own",
    via: "panel",
    message: ({ id, deadlineMs }) => ({ t: "panel", id, panel, method, input, trace: requestId, deadlineMs }),
  };
}
