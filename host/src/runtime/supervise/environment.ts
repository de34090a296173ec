/** What all plugins of a node share. */
import type { Bus, Clock, ConfinementReport, Mounts, Random, StoredRelease } from "../../contract/index.ts";
import type { KvStore, NodeIdentity } from "../broker/index.ts";
import type { Launcher } from "../confine/index.ts";
import type { IsolateHosts } from "../isolate/index.ts";
import type { Journal } from "../journal/index.ts";
import type { PluginFiles } from "../layout.ts";
import type { Ledger } from "../ledger/index.ts";
import type { LogStore } from "../log-store.ts";
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
  /** Whether the operator wants a process of its own for a plugin that would run in an isolate. */
  isRaised: (pluginId: string) => boolean;
  journal: Journal;
  ledger: Ledger;
  /** Questions to the operator, and trial runs. */
  rights: PluginRights;
  logs: LogStore;
  cores: number;
  /** Most memory that one plugin may be given. */
  maxMemoryMb: number;
  /** Asked before every start: does the release still hold what was verified? @throws invalid_signature tampered · revoked */
  admit: (release: StoredRelease) => Promise<void>;
  files: (pluginId: string) => PluginFiles;
  kv: (pluginId: string) => KvStore;
  onChange: (pluginId: string) => void;
  onNotice: (notice: { plugin: string; title: string; body: string }) => void;
}
