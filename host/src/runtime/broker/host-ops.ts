/** Workers, health, counters, notices. @source plugin-platform §4.3, §4.4 */
import { HnError } from "../../foundation/index.ts";
import type { Work } from "../process/index.ts";
import { byteList, object, optionalText, optionalWhole, text } from "./arguments.ts";
import type { OpFamily } from "./op-family.ts";

export const HOST_OPS: OpFamily<"workers" | "health" | "metrics" | "notify"> = {
  "workers.run": async ({ scope, args, signal, frame }) => {
    const name = text(args, "name", 64);
    scope.grants().worker(name);
    const handle = optionalWhole(args, "handle");
    const held = handle === undefined ? undefined : scope.heldWorkers.get(handle, name);
    const work: Work = {
      msg: object(args, "msg"),
      bytes: byteList(args, "bytes"),
      signal,
      // Progress is a courtesy: a plugin that does not read it loses it.
      onProgress: (data) => void frame("progress", data).catch(() => {}),
    };
    const { json, bytes } = await (held === undefined ? scope.runWorker(name, work) : held.run(work));
    return { json, bytes };
  },
  "workers.open": async ({ scope, args, signal, frame }) => {
    const name = text(args, "name", 64);
    scope.grants().worker(name);
    const worker = await scope.holdWorker(name);
    return scope.heldWorkers.lend({ name, worker }, async (handle) => {
      signal.throwIfAborted();
      await frame("open", { handle });
      await Promise.race([worker.ended, aborted(signal)]);
      throw new HnError("plugin_gone", { reason: "worker_closed" });
    });
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

/** Waits for nothing but the end of the op. @throws the signal's reason */
export function aborted(signal: AbortSignal): Promise<never> {
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
}
