/** A daemon with plugins and a worker, to be killed. Usage: killed-daemon.ts FOLDER; prints the pids of everything it has started. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { silentLog, systemClock } from "../../../host/src/foundation/index.ts";
import { openRuntime } from "../../../host/src/runtime/index.ts";
import { processTree } from "../../../host/src/runtime/confine/index.ts";
import { allow, bundleRunner, FakeBus, NODE_ID, writePackage } from "../../../host/test/runtime/fixtures/world.ts";

const folder = process.argv[2] ?? "";
const bus = new FakeBus();
const runtime = await openRuntime({
  dataDir: join(folder, "node"),
  bus: bus.asBus(),
  clock: systemClock,
  random: (n) => randomBytes(n),
  log: silentLog,
  identity: { nodeId: NODE_ID, communityId: () => null },
  runnerPath: await bundleRunner(folder),
  closeInheritedFiles: false,
});
await runtime.startAll();
if (runtime.list().length === 0) {
  for (let n = 0; n < 5; n += 1) {
    const release = writePackage(folder, {
      id: `dev/under-load-${n}`,
      main: `exports.setup = (ctx) => ctx.op("capabilities.register", { ref: "dev.n${n}@1.0", params: {} }); exports.capabilities = { "dev.n${n}@1.0": async () => ({ output: {} }) };`,
      files: { "work.cjs": "exports.work = async () => ({ json: 1 });" },
      capabilities: [{ name: `dev.n${n}` }],
    });
    release.manifest.contributes.workers = [
      { name: "work", entry: "work.cjs", warm: 1, limits: { memoryMb: 128, wallMs: 1000 } },
    ];
    await runtime.stage(release, [allow("bus.provide", { prefixes: ["dev."] }), allow("proc.worker", { workers: ["work"] })]);
  }
}
const states = runtime.list().map(({ id, state, version }) => `${id} ${version} ${state}`);
process.stdout.write(`${JSON.stringify({ states, pids: processTree(process.pid).slice(1) })}\n`);
// Calls without end, so that the kill comes in the middle of work.
for (;;) await Promise.all(bus.names().map((name) => bus.call(name.split("@")[0] ?? "").catch(() => {})));
