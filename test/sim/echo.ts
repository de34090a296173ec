/** A capability that says back what it hears and remembers for whom it has worked. */
import type { CapabilityDescriptor, Frame, JsonObject, Offer, Reply } from "../../host/src/contract/index.ts";
import type { SimNode } from "./node.ts";

export const ECHO = "ext.sim.say";
export const TICKS = "ext.sim.ticks";
export const FLOOD = "ext.sim.flood";

export interface Echo {
  /** How often each request was carried out. */
  readonly done: Map<string, number>;
  /** Streams that run. */
  running: number;
}

const descriptor = (name: string, change: Partial<CapabilityDescriptor>): CapabilityDescriptor => ({
  name,
  version: [1, 0],
  stability: "stable",
  request_schema: { type: "object" },
  response_schema: { type: "object" },
  stream_schema: null,
  params: {},
  max_concurrent: 64,
  trust_required: "member",
  timeout_seconds: 30,
  idempotent: true,
  ...change,
});

/** The echo alone, as the next release of a provider would offer it. */
export function echoOffer({ clock, name }: SimNode, o: { workMs: number; onCall: () => void; says: () => JsonObject }): Offer {
  return {
    descriptor: descriptor(ECHO, {}),
    handler: async (call): Promise<Reply> => {
      o.onCall();
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, o.workMs));
      return { output: { heard: call.body.input?.["n"] ?? null, by: name, ...o.says() }, meta: {} };
    },
  };
}

/** Offers both on a node. @param o.workMs  how long an answer takes */
export function offerEcho(
  node: SimNode,
  o: { workMs?: number; idempotent?: boolean; trust?: CapabilityDescriptor["trust_required"] } = {},
): Echo {
  const echo: Echo = { done: new Map(), running: 0 };
  const { clock } = node;
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimeout(resolve, ms));
  node.bus.offer({
    descriptor: descriptor(ECHO, { idempotent: o.idempotent ?? true, trust_required: o.trust ?? "member" }),
    handler: async (call): Promise<Reply> => {
      echo.done.set(call.requestId, (echo.done.get(call.requestId) ?? 0) + 1);
      if (o.workMs !== undefined) await wait(o.workMs);
      return { output: { heard: call.body.input?.["n"] ?? null, by: node.name }, meta: {} };
    },
  });
  node.bus.offer({
    descriptor: descriptor(TICKS, {
      response_schema: null,
      stream_schema: { type: "object" },
      timeout_seconds: 3600,
      trust_required: o.trust ?? "member",
    }),
    handler: async function* (_call, cancellation): AsyncGenerator<Frame, JsonObject, void> {
      echo.running += 1;
      try {
        for (let n = 1; !cancellation.aborted; n += 1) {
          yield { event: "chunk", data: { n } };
          await Promise.race([wait(1000), new Promise<void>((resolve) => cancellation.onAbort(resolve))]);
        }
        return {};
      } finally {
        echo.running -= 1;
      }
    },
  });
  return echo;
}

export interface Flood {
  /** Frames that were made. */
  made: number;
  running: number;
}

/** Offers a stream that says as much as it may, as fast as it may. @param o.bytes  of one frame */
export function offerFlood(node: SimNode, o: { bytes: number }): Flood {
  const flood: Flood = { made: 0, running: 0 };
  const text = "x".repeat(o.bytes);
  node.bus.offer({
    descriptor: descriptor(FLOOD, {
      max_concurrent: 256,
      response_schema: null,
      stream_schema: { type: "object" },
      timeout_seconds: 3600,
    }),
    handler: async function* (_call, cancellation): AsyncGenerator<Frame, JsonObject, void> {
      flood.running += 1;
      try {
        while (!cancellation.aborted) {
          flood.made += 1;
          yield { event: "chunk", data: { text } };
        }
        return {};
      } finally {
        flood.running -= 1;
      }
    },
  });
  return flood;
}

/** Reads a stream of another node. */
export function read(
  from: SimNode,
  o: { capability: string; node: SimNode; signal?: AbortSignal; token?: string },
): AsyncGenerator<Frame, JsonObject, void> {
  return from.bus.stream({
    capability: o.capability,
    version: [1, 0],
    body: { params: {}, input: {} },
    caller: from.operator,
    node: o.node.nodeId,
    timeoutMs: 3_600_000,
    ...(o.signal === undefined ? {} : { signal: o.signal }),
    ...(o.token === undefined ? {} : { token: o.token }),
  });
}

/** One call to a node or to whoever the bus chooses. */
export function ask(
  from: SimNode,
  o: { n: number; node?: SimNode; timeoutMs?: number; token?: string; capability?: string },
): Promise<JsonObject & { heard: unknown; by: unknown }> {
  return from.bus
    .call({
      capability: o.capability ?? ECHO,
      version: [1, 0],
      body: { params: {}, input: { n: o.n } },
      caller: from.operator,
      ...(o.node === undefined ? {} : { node: o.node.nodeId }),
      ...(o.timeoutMs === undefined ? {} : { timeoutMs: o.timeoutMs }),
      ...(o.token === undefined ? {} : { token: o.token }),
    })
    .then(({ output }) => output as JsonObject & { heard: unknown; by: unknown });
}
