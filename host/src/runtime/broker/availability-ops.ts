/** One plugin says for all what this node can count on. @source plugin-platform §3.1 availability.set, 35 §5 */
import { HnError } from "../../foundation/index.ts";
import { denied } from "../permission/index.ts";
import { text, whole } from "./arguments.ts";
import type { OpFamily } from "./op-family.ts";

const TTL_MAX_SECONDS = 3600;

export const AVAILABILITY_OPS: OpFamily<"availability"> = {
  "availability.set": ({ scope, args, note }) => {
    const flag = text(args, "flag", 39);
    note({ target: flag });
    scope.grants().availability(flag);
    // The role is a condition of its own: two that watch would contradict each other.
    if (scope.commons.holder("availability")?.pluginId !== scope.pluginId)
      throw denied("availability.set", "the role availability");
    const { value } = args;
    if (typeof value !== "boolean") throw new HnError("bad_request", { message: "The argument value must be true or false." });
    const ttl = whole(args, "ttlSeconds");
    if (ttl < 1 || ttl > TTL_MAX_SECONDS)
      throw new HnError("bad_request", {
        message: `It holds for 1 to ${TTL_MAX_SECONDS} seconds; say it again before they are over.`,
      });
    scope.commons.availability.set(flag, value, { by: scope.pluginId, ttlMs: ttl * 1000 });
    return {};
  },
};
