/** What a plugin does for a caller needs the caller's right as well. @source plugin-platform §3.4.6 */
import type { Principal } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { OpCall } from "./scope.ts";

/** Under whom an op runs: the caller of the call that it belongs to, else the plugin itself, with no more than this node's standing. */
export function principalOf({ parent, scope }: OpCall): Principal {
  if (parent !== null) return withoutToken(parent.call.caller);
  const { identity, pluginId } = scope;
  return {
    kind: "plugin",
    node_id: identity.nodeId,
    community_id: identity.communityId(),
    level: identity.level?.() ?? "member",
    plugin_id: pluginId,
  };
}

/** A token covers the call that it came with and nothing that follows from it. @source 05 §4 */
function withoutToken({ acts_for: _, ...caller }: Principal): Principal {
  return caller;
}

/**
 * Under the plugin's own authority nothing is asked here: its grant has decided.
 * @throws unauthorized reason caller_right, which the ledger keeps as a denial
 */
export function refuseCaller(op: OpCall, may: (caller: Principal) => boolean): void {
  if (op.parent === null || may(op.parent.call.caller)) return;
  op.note({ denied: true });
  throw new HnError("unauthorized", { reason: "caller_right" });
}
