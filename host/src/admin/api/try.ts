import type { CallableCapability, CallBodyIn, Frame, JsonObject, TryBody, TryEvent } from "../../contract/index.ts";
import { CONSTANTS } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { type AdminContext, ApiReply, type ApiRequest, type ApiRoute, checkRole } from "../context.ts";
import { withoutBytes } from "./bytes.ts";
import { frameLines } from "./frame-lines.ts";
import { shape, TEXT } from "./shapes.ts";

/** Base64 of the largest binary field a capability may declare, with room for the rest. */
const BODY_MAX_BYTES = 24 * 1024 * 1024;
/** A finished call's frames stay readable this long for a page that reconnects. */
const KEEP_MS = 60_000;
const RUNNING_MAX = 16;
/** That an operator sends into one call. */
const FRAMES_MAX = 10_000;

const FIELDS = {
  capability: TEXT(64),
  "version?": { type: "string", pattern: "^\\d{1,5}\\.\\d{1,5}$" },
  "node?": TEXT(64),
  params: { type: "object" },
  input: { type: "object" },
  "timeout_ms?": { type: "integer", minimum: 1, maximum: 3_600_000 },
};

export const tryRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/capabilities",
    role: "viewer",
    handle: (_request: ApiRequest, context) => ({ items: callable(context) }),
  },
  {
    method: "POST",
    path: "/try",
    role: "operator",
    body: shape(FIELDS),
    bodyLimit: BODY_MAX_BYTES,
    audit: "call",
    auditTarget: ({ capability }: CallBodyIn) => capability,
    handle: (request: ApiRequest<CallBodyIn>, context) => {
      checkHostAct(request, context);
      return begin(request.body, context);
    },
  },
  {
    method: "DELETE",
    path: "/try/:call_id",
    role: "operator",
    handle: (request: ApiRequest) => {
      running.get(request.params["call_id"] ?? "")?.abort();
      return {};
    },
  },
  {
    method: "POST",
    path: "/call",
    role: "operator",
    body: shape({
      ...FIELDS,
      "stream?": { type: "boolean" },
      "token?": { type: "string", maxLength: 2048 },
      "frames?": { type: "array", maxItems: FRAMES_MAX, items: shape({ event: TEXT(64), data: { type: "object" } }) },
    }),
    bodyLimit: BODY_MAX_BYTES,
    audit: "call",
    auditTarget: ({ capability }: CallBodyIn) => capability,
    handle: (request: ApiRequest<CallBodyIn & { token?: string; frames?: Frame[] }>, context) => {
      checkHostAct(request, context);
      return request.body.stream === true ? stream(request, context) : call(request, context);
    },
  },
];

/** Acts under the node's own key: whoever calls them here needs what their own addresses ask for. */
function checkHostAct({ body, caller }: ApiRequest<CallBodyIn>, { services }: AdminContext): void {
  if (/^(community|auth)\./.test(body.capability)) checkRole(caller, { role: "owner", stepUp: true }, services.clock.now());
}

/** Calls under way from the try-it console, by call id. */
const running: Map<string, AbortController> = new Map();

function callable({ services }: AdminContext): CallableCapability[] {
  const names = new Map(services.peers.list().map((peer) => [peer.node_id, peer.display_name]));
  const facts = services.facts();
  const offered = services.bus.entries().filter((entry) => entry.only_here !== true || entry.plugin_id !== undefined);
  return offered.map((entry) => ({
    name: entry.descriptor.name,
    version: entry.descriptor.version.join("."),
    node_id: entry.node_id,
    node_name: entry.is_local ? facts.display_name : (names.get(entry.node_id) ?? ""),
    is_local: entry.is_local,
    ...(entry.plugin_id === undefined ? {} : { plugin_id: entry.plugin_id }),
    trust_required: entry.descriptor.trust_required,
    params: entry.descriptor.params,
    streams: entry.descriptor.stream_schema !== null,
    request_schema: entry.is_local ? entry.descriptor.request_schema : localSchema(entry.descriptor.name, services),
    binary: entry.binary,
    max_body_bytes: services.bus.limitsOf(entry.descriptor.name)?.maxBodyBytes ?? CONSTANTS.CALL_BODY_MAX_BYTES,
  }));
}

/** A peer's manifest names no schema; the same capability here lends its own. */
function localSchema(name: string, services: AdminContext["services"]): CallableCapability["request_schema"] {
  return services.bus.entries({ name }).find((entry) => entry.is_local)?.descriptor.request_schema ?? null;
}

/** What nobody is known to offer may be offered since a moment ago: a neighbour's description is up to 20 s old. */
async function lookAgain({ capability, node }: TryBody, { bus, peers }: AdminContext["services"]): Promise<void> {
  const known = bus.entries({ name: capability, ...(node === undefined ? {} : { node_id: node }) });
  if (known.length === 0 && peers.list().length > 0) await peers.refresh();
}

function originate(
  body: CallBodyIn & { token?: string },
  o: { context: AdminContext; signal: AbortSignal; traceId: string },
): Parameters<AdminContext["services"]["bus"]["call"]>[0] {
  const [major, minor] = (body.version ?? "1.0").split(".").map(Number);
  return {
    capability: body.capability,
    version: [major ?? 1, minor ?? 0],
    body: { params: body.params, input: body.input },
    caller: o.context.services.operator(),
    traceId: o.traceId,
    signal: o.signal,
    ...(body.node === undefined ? {} : { node: body.node }),
    ...(body.timeout_ms === undefined ? {} : { timeoutMs: body.timeout_ms }),
    ...(body.token === undefined ? {} : { token: body.token }),
  };
}

async function call(request: ApiRequest<CallBodyIn>, context: AdminContext): Promise<unknown> {
  const traceId = context.services.newUlid();
  await lookAgain(request.body, context.services);
  const { output, meta, provider } = await context.services.bus.call(
    originate(request.body, { context, signal: request.signal, traceId }),
  );
  return { output: withoutBytes(output), meta: withoutBytes(meta), provider, trace_id: traceId };
}

async function* inOrder(frames: readonly Frame[]): AsyncGenerator<Frame, void, void> {
  yield* frames;
}

function stream(request: ApiRequest<CallBodyIn & { frames?: Frame[] }>, context: AdminContext): ApiReply {
  const { frames: following } = request.body;
  return new ApiReply(
    frameLines(async () => {
      await lookAgain(request.body, context.services);
      return context.services.bus.stream({
        ...originate(request.body, { context, signal: request.signal, traceId: context.services.newUlid() }),
        ...(following === undefined ? {} : { frames: inOrder(following) }),
      });
    }),
  );
}

function begin(body: TryBody, context: AdminContext): ApiReply {
  if (running.size >= RUNNING_MAX)
    throw new HnError("capacity_exceeded", {
      retryAfterMs: 1000,
      message: "Sixteen calls are under way from this page already.",
    });
  const callId = context.services.newUlid();
  const abort = new AbortController();
  const topic = `try:${callId}`;
  running.set(callId, abort);
  const emit = (event: TryEvent, kind: "change" | "end"): void => context.live.publish(topic, event, kind);
  void run(body, { context, signal: abort.signal, callId, emit }).finally(() => {
    running.delete(callId);
    context.services.clock.setTimeout(() => context.live.drop(topic), KEEP_MS);
  });
  return new ApiReply({ call_id: callId }, { status: 202 });
}

async function run(
  body: TryBody,
  o: { context: AdminContext; signal: AbortSignal; callId: string; emit: (event: TryEvent, kind: "change" | "end") => void },
): Promise<void> {
  const { bus } = o.context.services;
  const request = originate(body, { context: o.context, signal: o.signal, traceId: o.callId });
  try {
    await lookAgain(body, o.context.services);
    if (bus.limitsOf(body.capability)?.streams === true) {
      const frames = bus.stream(request);
      let next = await frames.next();
      while (next.done !== true) {
        o.emit({ kind: "frame", event: next.value.event, data: withoutBytes(next.value.data) as JsonObject }, "change");
        next = await frames.next();
      }
      o.emit(
        {
          kind: "result",
          output: withoutBytes(next.value) as JsonObject,
          meta: {},
          provider: body.node ?? "",
          trace_id: o.callId,
        },
        "end",
      );
      return;
    }
    const reply = await bus.call(request);
    o.emit(
      {
        kind: "result",
        output: withoutBytes(reply.output) as JsonObject,
        meta: withoutBytes(reply.meta) as JsonObject,
        provider: reply.provider,
        trace_id: o.callId,
      },
      "end",
    );
  } catch (error) {
    o.emit({ kind: "error", error: { ...HnError.from(error).toLocal(), trace_id: o.callId } }, "end");
  }
}
