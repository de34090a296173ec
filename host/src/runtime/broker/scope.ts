/** Everything that one plugin's ops can see; nothing else of the host is within their reach. */
import type { Bus, Clock, Frame, JsonObject, NodeId, PermissionName, TrustLevel } from "../../contract/index.ts";
import type { TokenBucket } from "../../foundation/index.ts";
import type { Commons } from "../commons/index.ts";
import type { Network } from "../net/index.ts";
import type { GrantTable } from "../permission/index.ts";
import type { CallBudget } from "../quota/index.ts";
import type { HeldWorker, WorkResult, Work } from "../process/index.ts";
import type { CapabilityShelf } from "./capabilities.ts";
import type { DhtDesk } from "./dht-desk.ts";
import type { HeldWorkers } from "./held-workers.ts";
import type { KvStore } from "./kv.ts";
import type { LiveCall } from "./live-calls.ts";

/** Facts about this node that a plugin's principal carries. */
export interface NodeIdentity {
  nodeId: NodeId;
  communityId: () => string | null;
  /** The node's own standing; `member` while unknown. */
  level?: () => TrustLevel;
}

export interface PluginScope {
  pluginId: string;
  identity: NodeIdentity;
  bus: Bus;
  clock: Clock;
  /** As the op sees them: each check that passes is remembered, and the op ends when one no longer does. */
  grants: () => GrantTable;
  capabilities: CapabilityShelf;
  kv: () => KvStore;
  network: Network;
  /** 32 bytes of this plugin and this label, the same after every start. */
  deriveKey: (label: string) => Uint8Array;
  budget: CallBudget;
  commons: Commons;
  /** Events that may still be appended, and delivered; key agreements made. */
  appends: TokenBucket;
  pushes: TokenBucket;
  agreements: TokenBucket;
  dht: DhtDesk;
  runWorker: (name: string, work: Work) => Promise<WorkResult>;
  holdWorker: (name: string) => Promise<HeldWorker>;
  heldWorkers: HeldWorkers;
  /** Something beside the op itself that the ledger is to know. */
  onUsed: (use: { op: string; permission: PermissionName; target: string; trace: string }) => void;
  onHealth: (ok: boolean, detail: string) => void;
  onMetric: (name: string, by: number) => void;
  onNotify: (title: string, body: string) => void;
}

/** What the ledger says about an op beside its name: never a body, a query or a secret. @source plugin-platform §8.1 */
export interface OpFacts {
  /** Capability, `host:port`, event type, or the first 12 hex digits of a CID. */
  target?: string;
  /** Set once it was allowed, by ops whose permission depends on what they ask for. */
  permission?: PermissionName;
  /** Bytes that came to the plugin, and that went out from it. */
  bytesIn?: number;
  bytesOut?: number;
  /** It was refused for want of a right, whatever the answer says. */
  denied?: boolean;
}

/** One op while it runs. */
export interface OpCall {
  scope: PluginScope;
  args: JsonObject;
  /** The live call under whose caller it runs; null under the plugin's own authority. */
  parent: LiveCall | null;
  /** Aborted by the plugin, by the end of the parent, by a revoked grant and by the end of the process. */
  signal: AbortSignal;
  /** The scope's rights for what is over in a moment. */
  passing: () => GrantTable;
  /**
   * Puts checks while something has been done already: what the operator is asked about is waited for here, and the op is not begun again.
   * @throws permission_denied · Undecided in a trial run
   */
  decide: <T>(check: () => T) => Promise<T>;
  /** Sends one frame ahead of the answer; resolves when there is room for another. */
  frame: (event: string, data: JsonObject) => Promise<void>;
  /** What follows the op, where it takes frames. */
  frames: AsyncIterable<Frame> | undefined;
  /** Adds to the op's row in the ledger; a target that is known before the check stands in the row of a denial as well. */
  note: (facts: OpFacts) => void;
}
