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
import type { Log, Principal, TrustLevel } from "./contract/index.ts";
import { silentLog, systemClock } from "./foundation/index.ts";
import { importSeed } from "./identity/index.ts";
import { openRuntime, type NodeRuntime } from "./runtime/index.ts";

export type { Bus, Grant, PluginManifest, PluginStatus, Principal, StoredRelease, TrustLevel } from "./contract/index.ts";

export interface PluginHost {
  bus: OpenBus;
  runtime: NodeRuntime;
  nodeId: string;
  /** A caller of that standing; `self` is the operator. */
  as(who: TrustLevel | "self"): Principal;
  close(): Promise<void>;
}

/** @param o.dataDir  an empty folder, left as it is */
export async function openPluginHost(o: { dataDir: string; runnerPath: string; log?: Log }): Promise<PluginHost> {
  const { nodeId } = importSeed(randomBytes(32));
  const log = o.log ?? silentLog;
  const bus = openBus({ nodeId, communityId: () => null, clock: systemClock, log });
  const runtime = await openRuntime({
    dataDir: o.dataDir,
    bus,
    clock: systemClock,
    random: (n) => randomBytes(n),
    log,
    identity: { nodeId, communityId: () => null },
    runnerPath: o.runnerPath,
    closeInheritedFiles: false,
  });
  return {
    bus,
    runtime,
    nodeId,
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
