/** The control of A21: a host that grants every wish, before the same runner and the same code. */
import type { HostMessage, JsonObject, JsonValue, PluginMessage } from "../../../host/src/contract/index.ts";
import { definePlugin, type Ctx, type Plugin, type Req } from "../../../sdk-plugin/src/index.ts";
import { serve } from "../../../sdk-plugin/src/runner/serve.ts";

type Op = Extract<PluginMessage, { t: "op" }>;
type Handler = (req: Req, ctx: Ctx) => Promise<{ output: object }>;
type Says = (message: HostMessage) => void;

/** Calls `dev.attack` as a member and gives what it answers. */
export function askBefore(handler: Handler, input: JsonObject): Promise<JsonObject> {
  const { promise, resolve, reject } = Promise.withResolvers<JsonObject>();
  let says: Says = () => {};
  let nextId = 1;
  serve({
    connect: ({ onMessage }) => {
      says = (message) => onMessage(message, new Map());
      return {
        closed: false,
        nextId: () => (nextId += 2),
        abort: () => false,
        flush() {},
        send(sent) {
          const message = sent as PluginMessage;
          if (message.t === "op") queueMicrotask(() => grant(message, says));
          if (message.t === "ready") queueMicrotask(() => says(call(input)));
          if (message.t === "result") resolve(message.output);
          if (message.t === "error") reject(new Error(message.message ?? message.error));
          return Promise.resolve();
        },
      };
    },
    openAssets: () => ({ list: async () => [], path: () => "", on: () => () => {}, changed() {} }),
    openDatabase: () => null,
    load: async () => ({ default: wrapped(handler) }),
    manifest: async () => null,
    exit: () => {},
  });
  const facts = { id: "lab/attack", version: "1.0.0", label: "none" as const, entry: "main.mjs", assetsDir: null, dataDir: null };
  says({ t: "init", plugin: { ...facts, nodeId: "ed25519:host", communityId: null }, config: {}, grants: [], dataSchema: 0 });
  return promise;
}

function wrapped(handler: Handler): Plugin {
  return definePlugin({ capabilities: { "dev.attack@1.0": (req, ctx) => handler(req, ctx) } });
}

function call(input: JsonObject): HostMessage {
  const caller = { kind: "member", node_id: "ed25519:member", community_id: null, level: "member" } as const;
  const ids = { trace: "trace", requestId: "request" };
  return {
    t: "call",
    id: 2,
    cap: "dev.attack@1.0",
    body: { params: {}, input },
    caller,
    ...ids,
    deadlineMs: 10_000,
    stream: false,
  };
}

/** Whatever is wished for, it is so. */
function grant({ id, op, args }: Op, says: Says): void {
  if (op === "blobs.open") says({ t: "op.frame", id, event: "head", data: { size: 0, visibility: "private" } });
  if (op === "events.query") says({ t: "op.frame", id, event: "events", data: { events: [] } });
  const { caller = {} } = args as { caller?: JsonObject };
  const values: Record<string, JsonValue> = {
    "bus.call": { output: { kind: caller["kind"] ?? "plugin" }, meta: {}, provider: "ed25519:host" },
    "blobs.stat": { size: 0, visibility: "private" },
  };
  says({ t: "op.ok", id, value: values[op] ?? {} });
}
