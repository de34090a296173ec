/**
 * A host for one plugin under test: the real bus and the real runtime, without network, community or page.
 *
 * @example
 * const host = await openPluginHost({ dataDir, runnerPath });
 * await host.runtime.stage(release, grants);
 * await host.bus.call({ capability: "ext.demo.echo", version: [1, 0], body, caller: host.as("member") });
 */
import { randomBytes } from "node:crypto";
import { openBus, type OpenBus } from "./bus/index.ts";
import type { Clock, Log, Principal, TrustLevel } from "./contract/index.ts";
import { silentLog, systemClock } from "./foundation/index.ts";
import { importSeed } from "./identity/index.ts";
import { openRuntime, type NodeRuntime, type RuntimeOptions } from "./runtime/index.ts";
import { MountTable } from "./transport/index.ts";

export type {
  Bus,
  Grant,
  RouteAnswer,
  JsonValue,
  PluginManifest,
  PluginStatus,
  Principal,
  StoredRelease,
  TrustLevel,
} from "./contract/index.ts";
export { ManualClock } from "./foundation/index.ts";
export type { ExitFacts, Launched, Launcher, NodePaths, SandboxSpec } from "./runtime/index.ts";

export interface PluginHost {
  bus: OpenBus;
  runtime: NodeRuntime;
  /** Routes that the plugin has mounted; no port leads to them. */
  mounts: MountTable;
  nodeId: string;
  clock: Clock;
  /** A caller of that standing; `self` is the operator. */
  as(who: TrustLevel | "self"): Principal;
  close(): Promise<void>;
}

export interface PluginHostOptions extends Pick<RuntimeOptions, "runnerPath" | "inProcess" | "onLaunch"> {
  /** An empty folder, left as it is. */
  dataDir: string;
  /** Of bus and runtime; the machine's own by default. */
  clock?: Clock;
  log?: Log;
}

export async function openPluginHost(o: PluginHostOptions): Promise<PluginHost> {
  const { nodeId } = importSeed(randomBytes(32));
  const { log = silentLog, clock = systemClock, runnerPath, inProcess, onLaunch } = o;
  const bus = openBus({ nodeId, communityId: () => null, clock, log });
  const mounts = new MountTable();
  const runtime = await openRuntime({
    dataDir: o.dataDir,
    bus,
    mounts,
    clock,
    random: (n) => randomBytes(n),
    log,
    identity: { nodeId, communityId: () => null },
    runnerPath,
    ...(inProcess === undefined ? {} : { inProcess }),
    ...(onLaunch === undefined ? {} : { onLaunch }),
    closeInheritedFiles: false,
  });
  return {
    bus,
    runtime,
    mounts,
    nodeId,
    clock,
    as: (who) =>
      who === "self"
        ? { kind: "self", node_id: nodeId, community_id: null, level: "anchor" }
        : { kind: who === "unknown" ? "stranger" : "member", node_id: nodeId, community_id: null, level: who },
    close: async () => {
      await runtime.stopAll();
      bus.close();
    },
  };
}
