/** A whole node in a process of its own. Usage: fork(…, [DATA_DIR]); answers "measure" with its `Measures`, and how many plugins are in memory. */
import { queryObjects } from "node:v8";
import { silentLog } from "../../host/src/foundation/index.ts";
import { openNode } from "../../host/src/node.ts";
import { ManagedPlugin } from "../../host/src/runtime/supervise/index.ts";
import { openMeasures } from "../support/measures.ts";

const node = await openNode({ dataDir: process.argv[2] ?? "", port: 0, adminPort: 0, allowDevRoot: true, log: silentLog });
const measure = openMeasures();
process.on("message", () => {
  void (async () => {
    // What waits for the end of something else is garbage one collection later.
    for (let n = 0; n < 4; n += 1) {
      global.gc?.();
      await new Promise(setImmediate);
    }
    process.send?.({ ...measure(), plugins: queryObjects(ManagedPlugin, { format: "count" }) });
  })();
});
process.on("disconnect", () => void node.close().then(() => process.exit(0)));
await node.pluginsStarted;
process.send?.("ready");
