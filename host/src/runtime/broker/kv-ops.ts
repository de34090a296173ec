/** Small values that outlive the process. @source plugin-platform §4.3 */
import { HnError } from "../../foundation/index.ts";
import { optionalText, optionalWhole, required, text } from "./arguments.ts";
import type { OpFamily } from "./op-family.ts";

export const KV_OPS: OpFamily<"kv"> = {
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
};
