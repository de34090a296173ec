/**
 * What the checks of the machine and of the node find: a code with the values that a reader's sentence needs. The terminal shows the English
 * sentences of `health-texts.ts`; the page has its own for every language.
 * @source admin-ui §9
 */
import type { ConfinementLabel, RepairId } from "./confinement.ts";
import type { LocalError } from "./errors.ts";
import type { I18nText } from "./ids.ts";
import type { PluginState } from "./plugin.ts";

/** Findings that are told from their values alone. */
export interface HealthValues {
  runtime_fits: { version: string; platform: string };
  runtime_foreign: { version: string; platform: string };
  data_private: { dir: string };
  data_readable: { dir: string };
  data_none: { dir: string };
  disk_room: { freeBytes: number };
  disk_low: { freeBytes: number };
  disk_full: { freeBytes: number };
  /** Unix milliseconds. */
  clock_right: { now: number };
  clock_behind: { now: number; built: number };
  confined: { label: ConfinementLabel; held: number; probes: number };
  unconfined: { label: ConfinementLabel; repair: { id: RepairId; found: string } | null };
  repair: { id: RepairId; found: string };
  addresses: { bus: string; page: string };
  catalogue_unread: Record<string, never>;
  catalogue_current: { days: number; devRoot: boolean };
  catalogue_stale: { days: number; devRoot: boolean };
  catalogue_silent: { registries: { id: string; what: string }[] };
  /** Registries that the owner has added. */
  registry_read: { id: string; source: string; namespaces: string; days: number };
  registry_unread: { id: string; source: string; namespaces: string };
  data_filling: { id: string; usedBytes: number; limitBytes: number };
  neighbours: { online: number; known: number };
  /** Whose nodes are asked for plugins; empty: nobody who gives any is in reach. */
  givers: { names: string };
  givers_unasked: Record<string, never>;
  no_community: Record<string, never>;
  /** Two processes with one node key. `node` is a short id. */
  key_conflict: { node: string; own: boolean };
}

/** What the node found, before anybody has put it into words. */
export interface FoundValues extends Omit<HealthValues, "catalogue_silent"> {
  catalogue_silent: { registries: { id: string; error: LocalError }[] };
  plugin: { id: string; name: I18nText; state: PluginState; error: LocalError };
}

export type HealthFinding = { [C in keyof FoundValues]: { code: C; values: FoundValues[C] } }[keyof FoundValues];

/** What a check is called, what it found, and what to do; `fix` is empty where nothing is. */
export interface CheckText {
  title: string;
  detail: string;
  fix: string;
}

/** One line of `hearthnet doctor`, in English. */
export interface Diagnosis extends CheckText {
  id: string;
  state: "ok" | "warn" | "bad";
}

export interface HealthCheck extends Diagnosis {
  finding: HealthFinding;
}

/** The sentences of one language. */
export type HealthTexts = { [C in keyof HealthValues]: (values: HealthValues[C]) => CheckText };
