/** What all plugins of a node share. */
import type { Bus, Clock, ConfinementReport, Grant, Mounts, Random, StoredRelease } from "../../contract/index.ts";
import type { KvStore, NodeIdentity } from "../broker/index.ts";
import type { Commons } from "../commons/index.ts";
import type { Launcher } from "../confine/index.ts";
import type { DataFolders } from "../data/index.ts";
import type { IsolateHosts } from "../isolate/index.ts";
import type { Journal } from "../journal/index.ts";
import type { EgressMeter, NetWays, Settings } from "../net/index.ts";
import type { PluginFiles } from "../layout.ts";
import type { ReleaseViews } from "../release-views.ts";
import type { Ledger } from "../ledger/index.ts";
import type { Measure } from "../process/index.ts";
import type { LogStore } from "../log-store.ts";
import type { Overrides } from "../overrides.ts";
import type { PluginRights } from "../rights/index.ts";

export interface PluginEnvironment {
  bus: Bus;
  mounts: Mounts;
  clock: Clock;
  random: Random;
  identity: NodeIdentity;
  report: ConfinementReport;
  launcher: Launcher;
  /** The launcher confines nothing, because a test wants it so; nothing is claimed of what it starts. */
  inProcess: boolean;
  isolates: IsolateHosts;
  /** What operators have decided against the usual. */
  overrides: Overrides;
  journal: Journal;
  ledger: Ledger;
  /** Questions to the operator, and trial runs. */
  rights: PluginRights;
  logs: LogStore;
  /** What is measured elsewhere: megabytes of a plugin's folder, and sent within the hour; null where nothing measures. */
  measures: { diskMb: (pluginId: string) => number | null; egressMb: (pluginId: string) => number | null };
  /** Of processes; the kernel's numbers by default. */
  measure: Measure | undefined;
  cores: number;
  /** Most memory that one plugin may be given. */
  maxMemoryMb: number;
  /** Asked before every start: does the release still hold what was verified? @throws invalid_signature tampered · revoked */
  admit: (release: StoredRelease) => Promise<void>;
  files: (pluginId: string) => PluginFiles;
  views: ReleaseViews;
  data: DataFolders;
  /** @throws bad_request reason mount_refused */
  checkMounts: (grants: readonly Grant[]) => void;
  kv: (pluginId: string) => KvStore;
  ways: NetWays;
  /** Counts over all lives of the plugin. */
  egress: (pluginId: string) => EgressMeter;
  /** As they stand now. */
  settings: (release: StoredRelease) => Settings;
  deriveKey: (pluginId: string, label: string) => Uint8Array;
  commons: Commons;
  onChange: (pluginId: string) => void;
  onNotice: (notice: { plugin: string; title: string; body: string }) => void;
}
