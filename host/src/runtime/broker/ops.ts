/** Every operation a plugin may ask for, beside the check that decides it. What is not listed here is denied. @source plugin-platform §3.1, §5.2 */
import { PLUGIN_OPS, type JsonValue, type PluginOp } from "../../contract/index.ts";
import { AVAILABILITY_OPS } from "./availability-ops.ts";
import { BLOB_OPS } from "./blob-ops.ts";
import { BUS_OPS } from "./bus-ops.ts";
import { CAPABILITY_OPS } from "./capability-ops.ts";
import { COMMUNITY_OPS } from "./community-ops.ts";
import { DHT_OPS } from "./dht-ops.ts";
import { EVENT_OPS } from "./event-ops.ts";
import { HOST_OPS } from "./host-ops.ts";
import { IDENTITY_OPS } from "./identity-ops.ts";
import { KV_OPS } from "./kv-ops.ts";
import { NET_OPS } from "./net-ops.ts";
import type { OpHandler } from "./op-family.ts";
import { SECRET_OPS } from "./secret-ops.ts";
import type { OpCall } from "./scope.ts";
import { TOPIC_OPS } from "./topic-ops.ts";

const OPS: Record<PluginOp, OpHandler> = {
  ...CAPABILITY_OPS,
  ...BUS_OPS,
  ...KV_OPS,
  ...HOST_OPS,
  ...NET_OPS,
  ...SECRET_OPS,
  ...EVENT_OPS,
  ...TOPIC_OPS,
  ...COMMUNITY_OPS,
  ...IDENTITY_OPS,
  ...BLOB_OPS,
  ...AVAILABILITY_OPS,
  ...DHT_OPS,
};

export function isOp(name: string): name is PluginOp {
  return Object.hasOwn(PLUGIN_OPS, name);
}

/** Runs one op; bytes may stand anywhere in the answer. @throws permission_denied and whatever the op's own work refuses */
export async function runOp(name: PluginOp, op: OpCall): Promise<JsonValue> {
  return (await OPS[name](op)) as JsonValue;
}
