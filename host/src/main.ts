import { runCli, type CliHost, type Io } from "./cli/index.ts";
import { TERMINAL } from "./command-line/index.ts";
import { loadConfig } from "./config.ts";
import { createLog } from "./foundation/index.ts";
import { countBuffersAsHeap } from "./heap.ts";
import { defaultDataDir, PATHS } from "./paths.ts";
import { VERSION } from "./version.ts";

const io: Io = {
  ...TERMINAL,
  stdin: process.stdin,
  env: process.env,
  cwd: process.cwd(),
};

// Loaded when wanted: a question to a running node should not wait for everything that a node consists of.
const host: CliHost = {
  up,
  doctor: async (dataDir) => (await import("./doctor.ts")).doctor(dataDir),
  binaries: { plugin: PATHS.pluginTools, registry: PATHS.registryTools },
  defaultDataDir: defaultDataDir(process.env),
  version: VERSION,
};

/** Runs until a signal; a second one does not wait. */
async function up(options: Parameters<CliHost["up"]>[0]): Promise<number> {
  countBuffersAsHeap();
  const { logLevel, ...config } = await loadConfig(options.config ?? PATHS.config, { required: options.config !== undefined });
  const log = createLog({ level: logLevel ?? "info" });
  const { dataDir, allowDevRoot, port, adminPort, name, listen, dev, discovery } = options;
  process.on("uncaughtException", (error) => {
    log.error("the node ends after a fault of its own", { error });
    process.exit(1);
  });
  process.on("unhandledRejection", (error) => log.error("a fault was left unhandled", { error }));
  const stopped = stopSignal();
  const { openNode } = await import("./node.ts");
  const node = await openNode({
    ...config,
    ...(port === undefined ? {} : { port }),
    ...(adminPort === undefined ? {} : { adminPort }),
    ...(name === undefined ? {} : { name }),
    ...(listen === undefined ? {} : { listen }),
    ...(dev === undefined ? {} : { dev }),
    ...(discovery ? {} : { discovery: { enabled: false } }),
    dataDir,
    allowDevRoot,
    log,
  });
  io.out(`ready ${JSON.stringify({ admin: node.admin, bus: node.bus, node_id: node.nodeId, pid: process.pid })}`);
  const link = node.setupLink();
  if (link !== null) io.out(`Set this node up within 15 minutes: ${link}`);
  const signal = await stopped;
  log.info("stopping", { signal });
  await node.close();
  return 0;
}

function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        resolve(signal);
      });
  });
}

// Standard output may be a pipe whose reader has gone; a node does not end for that.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
const code = await runCli(process.argv.slice(2), { io, host });
// What a slow reader has not taken yet would be cut off by the exit; one that has gone ends the wait by its error.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((said) => stream.write("", () => said()))));
process.exit(code);
