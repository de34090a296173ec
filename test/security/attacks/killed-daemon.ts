/** A daemon with plugins and workers, to be killed. Usage: killed-daemon.ts FOLDER; prints the pids of everything it has started. */
import { join } from "node:path";
import { processTree } from "../../../host/src/runtime/confine/index.ts";
import { Daemon } from "./daemon.ts";

const PLUGINS = join(import.meta.dirname, "..", "..", "fixtures", "plugins", "load");
const daemon = await Daemon.open(process.argv[2] ?? "");
const names = [0, 1, 2, 3, 4].map((n) => `ext.load.n${n}`);
await daemon.runtime.startAll();
if (daemon.runtime.list().length === 0) {
  for (const capability of names)
    await daemon.install({
      id: `lab/under-load-${capability.slice(-1)}`,
      capability,
      entry: join(PLUGINS, "plugin.ts"),
      define: { CAPABILITY: capability },
      worker: join(PLUGINS, "work.ts"),
    });
}
const states = daemon.runtime.list().map(({ id, state, version }) => `${id} ${version} ${state}`);
process.stdout.write(`${JSON.stringify({ states, pids: processTree(process.pid).slice(1) })}\n`);
// Calls without end, so that the kill comes in the middle of work.
for (;;) await Promise.all(names.map((name) => daemon.call(name).catch(() => {})));
