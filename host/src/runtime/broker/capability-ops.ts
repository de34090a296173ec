/** A plugin offers its capabilities. @source plugin-platform §2.4 */
import { object, optionalObject, optionalWhole, text, whole } from "./arguments.ts";
import { parseRef } from "./bus-ops.ts";
import type { OpFamily } from "./op-family.ts";

export const CAPABILITY_OPS: OpFamily<"capabilities"> = {
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
};
