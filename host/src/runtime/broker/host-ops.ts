/** Workers, health, counters, notices. @source plugin-platform §4.3, §4.4 */
import { HnError } from "../../foundation/index.ts";
import { byteList, object, optionalText, text } from "./arguments.ts";
import type { OpFamily } from "./op-family.ts";

export const HOST_OPS: OpFamily<"workers" | "health" | "metrics" | "notify"> = {
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
