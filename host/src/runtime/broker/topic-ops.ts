/** A plugin tells others of this node something that need not last. @source plugin-platform §3.1 pubsub.publish; 02 §7.2 */
import { HnError } from "../../foundation/index.ts";
import { required, text } from "./arguments.ts";
import type { OpFamily } from "./op-family.ts";

const DATA_MAX_BYTES = 65_536;

export const TOPIC_OPS: OpFamily<"pubsub"> = {
  "pubsub.publish": ({ scope, args, note }) => {
    const topic = text(args, "topic", 128);
    note({ target: topic });
    scope.grants().publish(topic);
    const data = required(args, "data");
    const bytesOut = JSON.stringify(data).length;
    note({ bytesOut });
    if (bytesOut > DATA_MAX_BYTES)
      throw new HnError("bad_request", { reason: "too_large", message: "A message on a topic may have 64 KiB at most." });
    scope.commons.topics.publish({ topic, data, from: { node_id: scope.identity.nodeId, plugin_id: scope.pluginId } });
    return {};
  },
};
