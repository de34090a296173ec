/** A whole node whose wall clock is off. Usage: node skewed-node-child.ts OFFSET_MS DATA_DIR; says `ready` as `hearthnet up` does. */
import { silentLog, systemClock } from "../../host/src/foundation/index.ts";
import { openNode } from "../../host/src/node.ts";

const [offsetMs = "0", dataDir = ""] = process.argv.slice(2);
const node = await openNode({
  dataDir,
  port: 0,
  adminPort: 0,
  log: silentLog,
  clock: { ...systemClock, now: () => systemClock.now() + Number(offsetMs) },
});
process.stdout.write(`ready ${JSON.stringify({ admin: node.admin, bus: node.bus, node_id: node.nodeId, pid: process.pid })}\n`);
process.once("SIGTERM", () => {
  void node.close().then(() => process.exit(0));
});
