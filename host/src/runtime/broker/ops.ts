/** Every operation a plugin may ask for, beside the check that decides it. What is not listed here is denied. @source plugin-platform §3.1, §5.2 */
import { PLUGIN_OPS, type JsonValue, type PluginOp } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { byteList, object, optionalObject, optionalText, optionalWhole, required, text, whole } from "./arguments.ts";
import { busCall, busStream, parseRef } from "./bus-ops.ts";
import type { OpCall } from "./scope.ts";

type OpHandler = (op: OpCall) => unknown;

const OPS: Record<PluginOp, OpHandler> = {
  "capabilities.register": ({ scope, args }) => {
    const ref = text(args, "ref", 160);
    scope.grants().provide(parseRef(ref).name);
    return {
      handle: scope.capabilities.register({
        ref,
        params: optionalObject(args, "params"),
        maxConcurrent: optionalWhole(args, "maxConcurrent"),
      }),
    };
  },
  "capabilities.update": ({ scope, args }) => {
    scope.grants().require("bus.provide");
    scope.capabilities.update(whole(args, "handle"), object(args, "params"));
    return {};
  },
  "capabilities.remove": ({ scope, args }) => {
    scope.grants().require("bus.provide");
    scope.capabilities.remove(whole(args, "handle"));
    return {};
  },
  "bus.call": busCall,
  "bus.stream": busStream,
  "kv.get": ({ scope, args }) => {
    scope.grants().kvBytes();
    return scope.kv().get(text(args, "key"));
  },
  "kv.put": ({ scope, args }) => {
    const quotaBytes = scope.grants().kvBytes();
    const ifVersion = optionalWhole(args, "ifVersion");
    return scope
      .kv()
      .put(text(args, "key"), required(args, "value"), { quotaBytes, ...(ifVersion === undefined ? {} : { ifVersion }) });
  },
  "kv.delete": ({ scope, args }) => {
    scope.grants().kvBytes();
    return scope.kv().delete(text(args, "key"), optionalWhole(args, "ifVersion"));
  },
  "kv.list": ({ scope, args }) => {
    scope.grants().kvBytes();
    const [prefix, after, limit] = [optionalText(args, "prefix"), optionalText(args, "after"), optionalWhole(args, "limit")];
    return scope.kv().list({
      ...(prefix === undefined ? {} : { prefix }),
      ...(after === undefined ? {} : { after }),
      ...(limit === undefined ? {} : { limit }),
    });
  },
  "kv.increment": ({ scope, args }) => {
    const quotaBytes = scope.grants().kvBytes();
    const by = args["by"] ?? 1;
    if (typeof by !== "number" || !Number.isFinite(by))
      throw new HnError("bad_request", { message: "The argument by must be a number." });
    return scope.kv().increment(text(args, "key"), by, quotaBytes);
  },
  "workers.run": async ({ scope, args, signal, frame }) => {
    const name = text(args, "name", 64);
    scope.grants().worker(name);
    const { json, bytes } = await scope.runWorker(name, {
      msg: object(args, "msg"),
      bytes: byteList(args, "bytes"),
      signal,
      // Progress is a courtesy: a plugin that does not read it loses it.
      onProgress: (data) => void frame("progress", data).catch(() => {}),
    });
    return { json, bytes };
  },
  "health.report": ({ scope, args }) => {
    if (typeof args["ok"] !== "boolean") throw new HnError("bad_request", { message: "The argument ok must be true or false." });
    scope.onHealth(args["ok"], optionalText(args, "detail") ?? "");
    return {};
  },
  "metrics.inc": ({ scope, args }) => {
    const name = text(args, "name", 64);
    if (!/^[a-z][a-z0-9_]*$/.test(name))
      throw new HnError("bad_request", { message: "A metric's name is lower case, digits and _." });
    const by = args["by"] ?? 1;
    if (typeof by !== "number" || !Number.isFinite(by) || by < 0)
      throw new HnError("bad_request", { message: "A counter only grows." });
    scope.onMetric(name, by);
    return {};
  },
  notify: ({ scope, args }) => {
    scope.grants().require("notify");
    scope.onNotify(text(args, "title", 80), optionalText(args, "body", 400) ?? "");
    return {};
  },
};

export function isOp(name: string): name is PluginOp {
  return Object.hasOwn(PLUGIN_OPS, name);
}

/** Runs one op; bytes may stand anywhere in the answer. @throws permission_denied and whatever the op's own work refuses */
export async function runOp(name: PluginOp, op: OpCall): Promise<JsonValue> {
  return (await OPS[name](op)) as JsonValue;
}
