/**
 * A host for one plugin under test: the real bus, the real runtime and, where it is wanted, a real community, without network or page.
 *
 * @example
 * const host = await openPluginHost({ dataDir, runnerPath });
 * await host.runtime.stage(release, grants);
 * await host.bus.call({ capability: "ext.demo.echo", version: [1, 0], body, caller: host.as("member") });
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { openBus, type OpenBus } from "./bus/index.ts";
import type { Clock, Log, Principal, TrustLevel } from "./contract/index.ts";
import { silentLog, systemClock } from "./foundation/index.ts";
import { importSeed, Signer } from "./identity/index.ts";
import { PluginDhtVillage } from "./plugin-dht-village.ts";
import { PluginVillage, type GuestLevel, type Person } from "./plugin-village.ts";
import { openRuntime, type NodeRuntime, type RuntimeOptions } from "./runtime/index.ts";
import { MountTable, readProof } from "./transport/index.ts";

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
export { HnError, ManualClock } from "./foundation/index.ts";
export type { PluginDhtVillage } from "./plugin-dht-village.ts";
export type { GuestLevel, Person } from "./plugin-village.ts";
export type { ExitFacts, Launched, Launcher, NetWays, NodePaths, SandboxSpec } from "./runtime/index.ts";

export interface PluginHost {
  bus: OpenBus;
  runtime: NodeRuntime;
  /** Routes that the plugin has mounted; no port leads to them. */
  mounts: MountTable;
  nodeId: string;
  clock: Clock;
  /** A caller of that standing; `self` is the operator, a node id somebody of the community. */
  as(who: TrustLevel | "self" | { nodeId: string }): Principal;
  /** Undefined: the node belongs to none. */
  community: HostCommunity | undefined;
  /** Undefined: the node takes no part in the DHT. */
  dht: PluginDhtVillage | undefined;
  close(): Promise<void>;
}

/** The community that the node of a plugin under test belongs to, and its people. */
export interface HostCommunity {
  readonly village: PluginVillage;
  /** The node itself. */
  readonly here: Person;
}

/** How the node belongs to its community. */
export interface CommunityWish {
  /** `anchor`: it has founded it; else somebody else has, and has invited it. */
  level: GuestLevel | "anchor";
}

export interface PluginHostOptions extends Pick<RuntimeOptions, "runnerPath" | "inProcess" | "onLaunch" | "ways"> {
  /** An empty folder, left as it is. */
  dataDir: string;
  /** Of bus and runtime; the machine's own by default. */
  clock?: Clock;
  log?: Log;
  /** Absent: none, and whatever needs one is refused. */
  community?: CommunityWish;
  /** Absent: the node takes no part in the DHT. `advertises`: the operator lets plugins say what is here. */
  dht?: { advertises: boolean };
}

export async function openPluginHost(o: PluginHostOptions): Promise<PluginHost> {
  const { log = silentLog, clock = systemClock, runnerPath, inProcess, onLaunch, ways } = o;
  const community = o.community === undefined ? undefined : await openVillage(o.community, { dataDir: o.dataDir, clock });
  const signer = community?.here.signer ?? freshSigner();
  const { nodeId } = signer;
  const dht = o.dht === undefined ? undefined : await PluginDhtVillage.open({ signer, clock, ...o.dht });
  const room = community?.here.community;
  const communityId = (): string | null => room?.communityId() ?? null;
  const bus = openBus({ nodeId, communityId, clock, log });
  const mounts = new MountTable();
  const runtime = await openRuntime({
    dataDir: o.dataDir,
    bus,
    mounts,
    clock,
    random: (n) => randomBytes(n),
    log,
    identity: { nodeId, communityId, ...(room === undefined ? {} : { level: () => room.levelOf(nodeId) }) },
    ...(community === undefined
      ? {}
      : {
          community: community.here.community,
          signer: community.here.signer,
          deliver: community.village.deliverFrom(community.here),
        }),
    ...(dht === undefined ? {} : { dht: dht.plugins }),
    readProof,
    runnerPath,
    ...(inProcess === undefined ? {} : { inProcess }),
    ...(onLaunch === undefined ? {} : { onLaunch }),
    ...(ways === undefined ? {} : { ways }),
    closeInheritedFiles: false,
  });
  return {
    bus,
    runtime,
    mounts,
    nodeId,
    clock,
    community,
    dht,
    as: (who) => {
      const community_id = communityId();
      if (who === "self") return { kind: "self", node_id: nodeId, community_id, level: "anchor" };
      if (typeof who === "string")
        return { kind: who === "unknown" ? "stranger" : "member", node_id: nodeId, community_id, level: who };
      const level = room?.levelOf(who.nodeId) ?? "unknown";
      return { kind: level === "unknown" ? "stranger" : "member", node_id: who.nodeId, community_id, level };
    },
    close: async () => {
      await runtime.stopAll();
      bus.close();
      dht?.close();
      community?.village.close();
    },
  };
}

function freshSigner(): Signer {
  const { nodeId, key } = importSeed(randomBytes(32));
  return new Signer(nodeId, key);
}

async function openVillage({ level }: CommunityWish, o: { dataDir: string; clock: Clock }): Promise<HostCommunity> {
  const village = new PluginVillage({ dataDir: join(o.dataDir, "village"), clock: o.clock });
  const here = village.person("This node");
  const founder = level === "anchor" ? here : village.person("Founder");
  await village.found(founder, "Village");
  if (level !== "anchor") await village.welcome({ host: founder, guest: here, level });
  return { village, here };
}
