import type {
  Bus,
  Clock,
  DeliverEvent,
  JsonObject,
  Log,
  Mounts,
  PluginCommunity,
  PluginDht,
  PluginSigner,
  Random,
  ReadProof,
  StoredRelease,
  Topics,
} from "../contract/index.ts";
import type { Flags } from "./commons/index.ts";
import type { NodeIdentity } from "./broker/index.ts";
import type { Launched, Launcher, SandboxSpec } from "./confine/index.ts";
import type { SignHead } from "./ledger/index.ts";
import type { NetWays } from "./net/index.ts";
import type { Measure } from "./process/index.ts";
import type { UpgradeTimes } from "./upgrade/index.ts";

/** What the runtime is given by the node, and what tests put in its place. */
export interface RuntimeOptions {
  dataDir: string;
  bus: Bus;
  /** Takes the routes that plugins mount; where it is absent, nobody asks for them. */
  mounts?: Mounts;
  clock: Clock;
  random: Random;
  log: Log;
  identity: NodeIdentity;
  /** Signs heads of the ledger with the node's key; absent where there is none, as in tests of plugins. */
  signHead?: SignHead;
  /** The community whose log plugins share; without it what needs one is refused. */
  community?: PluginCommunity;
  /** Brings one own event to a neighbour; without it every neighbour is offline. */
  deliver?: DeliverEvent;
  /** Where the node takes part in the DHT; absent where it does not. */
  dht?: PluginDht;
  /** What the device key does for plugins; without it nothing is signed. */
  signer?: PluginSigner;
  /** What a proof from a peer session shows; without it none is believed. */
  readProof?: ReadProof;
  /** Topics of this node; the runtime's own by default. */
  topics?: Topics;
  /** Shows the owner a document before it is signed, and says whether it may be; without it such documents are refused. */
  showDocument?: (what: { plugin: string; document: JsonObject }) => Promise<boolean>;
  /** The one file that runs first in every plugin process. */
  runnerPath: string;
  /** Node that runs plugins; the daemon's own by default. */
  nodePath?: string;
  /** Search path for bwrap, prlimit and setpriv; the process's own by default. */
  path?: string;
  /** Look in the system's own folders as well; true by default. */
  systemPath?: boolean;
  /** Close what the daemon inherited from its parent; tests that share a process with others leave it open. */
  closeInheritedFiles?: boolean;
  onNotice?: (notice: { plugin: string; title: string; body: string }) => void;
  /** For test hosts alone: starts plugins inside the test's process, without any confinement; the label is then `none`. */
  inProcess?: Launcher;
  /** For test hosts alone: sees every process that is started and may stand between it and the runtime. */
  onLaunch?: (launched: Launched, spec: SandboxSpec) => Launched;
  /** Folder of the isolate engine's package; where npm put it by default, null for none. */
  isolateEngineDir?: string | null;
  /** For tests alone: what is measured of processes; the kernel's numbers by default. */
  measure?: Measure;
  /** Plugins that get a process of their own although an isolate would do. */
  ownProcess?: readonly string[];
  /** Asked before every start; what it refuses as altered or revoked is locked away. The marketplace answers. */
  admit?: (release: StoredRelease) => Promise<void>;
  /** How plugins' connections reach the world; this machine's resolver and network by default. What they may reach is decided all the same. */
  ways?: Partial<NetWays>;
  /** Told what is missing at the moment, such as `{internet: false}`; what nobody names is there. */
  onAvailability?: (flags: Flags) => void;
  /** 60 s to drain, 10 minutes of probation, 2 s at the fence by default. */
  upgradeTimes?: Partial<UpgradeTimes>;
}
