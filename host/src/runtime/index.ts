/**
 * Room `runtime`, floor 5: runs each plugin confined in a process of its own, brokers every wish it has, watches it and keeps it running.
 *
 * @example
 * const runtime = await openRuntime({ dataDir, bus, clock, random, log, identity, runnerPath });
 * runtime.report().label; // "os"
 * await runtime.stage(release, grants); // verified by room marketplace
 * await runtime.startAll();
 */
export { listFolders } from "./data/index.ts";
export { inspectConfinement } from "./inspect.ts";
export type { ExitFacts, Launched, Launcher, NodePaths, SandboxSpec } from "./confine/index.ts";
export type { NetWays } from "./net/index.ts";
export { isDecidedAtStart, isWithin, requested, weightOf, type Right } from "./permission/index.ts";
export { openRuntime } from "./open-runtime.ts";
export type { RuntimeOptions } from "./options.ts";
export { NodeRuntime } from "./runtime.ts";
