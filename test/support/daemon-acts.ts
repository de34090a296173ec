/** What a daemon in a process of its own can be asked, and what it answers; both travel as structured clones. */
import type { JsonObject, LocalError, PluginStatus } from "../../host/src/contract/index.ts";
import type { PluginParts } from "../security/attacks/daemon.ts";
import type { Measures } from "./measures.ts";

export interface DaemonActs {
  install: { asks: PluginParts; says: PluginStatus };
  call: { asks: { capability: string; input?: JsonObject; timeoutMs?: number }; says: JsonObject };
  /** Opens a stream and never reads on after its first frame. @returns that frame's name */
  hold: { asks: { capability: string; input: JsonObject }; says: string };
  status: { asks: string; says: PluginStatus | null };
  /** Lines of the host itself, oldest first. */
  hostLines: { asks: string; says: string[] };
  /** For the report of attacks. */
  record: { asks: string; says: string };
  setConfig: { asks: { id: string; value: JsonObject }; says: string };
  disable: { asks: string; says: PluginStatus };
  enable: { asks: string; says: PluginStatus };
  restart: { asks: string; says: PluginStatus };
  remove: { asks: string; says: null };
  /** Collects garbage, says how long the event loop was late since the last time, and what is open. */
  measure: { asks: null; says: Measures };
}

export interface Question {
  id: number;
  act: keyof DaemonActs;
  asks: unknown;
}

export type Answer = { id: number; says: unknown } | { id: number; error: LocalError };
