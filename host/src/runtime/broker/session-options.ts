/** What a session is given, and what it tells. */
import type {
  Bus,
  Cancellation,
  Clock,
  ConfinementLabel,
  DispatchedCall,
  Grant,
  Handler,
  JsonObject,
  Mounts,
  PluginLimits,
  StoredRelease,
  WorkerProgram,
} from "../../contract/index.ts";
import type { ByteSocket } from "../../format/index.ts";
import type { Commons } from "../commons/index.ts";
import type { Launcher, SandboxSpec } from "../confine/index.ts";
import type { EgressMeter, NetWays, Settings } from "../net/index.ts";
import type { Check } from "../permission/index.ts";
import type { ConfinedProcessOptions, ProcessEnd, ProgramPoolOptions } from "../process/index.ts";
import type { CallBudget } from "../quota/index.ts";
import type { KvStore } from "./kv.ts";
import type { AskedOp, OpUse } from "./op-desk.ts";
import type { PanelWish } from "./question.ts";
import type { NodeIdentity } from "./scope.ts";

export interface SessionOptions {
  release: StoredRelease;
  grants: readonly Grant[];
  config: JsonObject;
  launcher: Launcher<ByteSocket>;
  /** Workers are processes, whatever the plugin itself is. */
  workerLauncher: Launcher;
  spec: SandboxSpec;
  /** @throws permission_denied, for a program */
  workerSpec: (worker: { memoryMb: number; pids: number; isProgram: boolean }) => SandboxSpec;
  /** As `ReleaseView.program`. */
  program: (exec: WorkerProgram) => ReturnType<ProgramPoolOptions["program"]>;
  limits: Required<Pick<PluginLimits, "memoryMb" | "pids" | "cpu" | "startTimeoutMs" | "shutdownMs" | "maxBlockMs">> &
    Pick<PluginLimits, "callTimeoutMs">;
  mounts: Mounts;
  /** Milliseconds after a call's deadline within which the plugin must still answer a ping, or is ended; absent: pings alone decide. */
  watchdogMs?: number;
  /** What this launcher gives on this machine; evidence replaces it once the process runs. */
  expectedLabel: ConfinementLabel;
  cores: number;
  measure?: ConfinedProcessOptions["measure"];
  bus: Bus;
  clock: Clock;
  identity: NodeIdentity;
  kv: () => KvStore;
  ways: NetWays;
  egress: EgressMeter;
  settings: () => Settings;
  deriveKey: (label: string) => Uint8Array;
  commons: Commons;
  onLine: ConfinedProcessOptions["onLine"];
  budget: CallBudget;
  onDenied: (use: OpUse) => void;
  onQuota: (use: OpUse) => void;
  onAllowed: (use: OpUse) => void;
  onPanel: (wish: PanelWish, verdict: "allow" | "deny" | "simulate") => void;
  onSimulated: (use: OpUse) => void;
  /** The operator's word on one op. @throws GrantDenied */
  ask: (question: AskedOp) => Promise<void>;
  /** Takes down what is used while a trial run goes on; undefined when none does. */
  trial: () => ((check: Check) => void) | undefined;
  onHealth: (ok: boolean, detail: string) => void;
  /** It has used all of its processor time for a minute, or no longer does. */
  onAtCap: (atCap: boolean) => void;
  onNotify: (title: string, body: string) => void;
  /** One call has ended; the counts are up to date. */
  onOutcome: () => void;
  /** The process is gone and everything it holds is about to be given back. */
  onEnding: () => void;
  onEnd: (end: ProcessEnd) => void;
}

/** Stands between the bus and a process: decides who answers. */
export type Guard = (ref: string, call: DispatchedCall, cancellation: Cancellation) => ReturnType<Handler>;

/** How calls have gone over the life of one process. */
export interface Outcomes {
  calls: number;
  /** Those that speak against the plugin. @source 03 B-10 */
  faults: number;
}

export interface CallFigures {
  calls: number;
  callsPerMinute: number;
  queue: number;
  p50Ms: number;
  p99Ms: number;
  strikes: number;
}
