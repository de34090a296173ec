import { statfsSync, statSync } from "node:fs";
import {
  HEALTH_TEXTS,
  type CheckText,
  type ConfinementReport,
  type FoundValues,
  type HealthCheck,
  type HealthFinding,
  type PeerRow,
  type PluginStatus,
} from "./contract/index.ts";
import { PLATFORM } from "./foundation/index.ts";
import type { CatalogueState } from "./catalogue-watch.ts";
import type { RegistryState } from "./marketplace/index.ts";
import type { BuildFacts } from "./paths.ts";

const GIB = 2 ** 30;
const DISK_LOW_BYTES = 2 * GIB;
const DISK_FULL_BYTES = GIB / 5;
const CLOCK_SLACK_MS = 3_600_000;
const STALE_CATALOGUE_SECONDS = 30 * 86_400;
const NODE_ABI = "147";

/** What can be looked at whether or not the node runs. */
export interface MachineFacts {
  dataDir: string;
  build: BuildFacts;
  now: number;
  report: ConfinementReport;
}

/** What only a running node knows. */
export interface RunningFacts {
  bus: string;
  page: string;
  plugins: PluginStatus[];
  peers: PeerRow[];
  hasCommunity: boolean;
  catalogue: CatalogueState | null;
  devRoot: boolean;
  registries: readonly RegistryState[];
  /** Names of neighbours that are asked for plugins; null: nobody is. */
  givers: readonly string[] | null;
  /** Keys that two processes use, by their short ids. */
  keyConflicts: readonly { node: string; own: boolean }[];
}

/** Checks of the machine: runtime, data folder, disk, clock, confinement. Shown by `doctor` and on the health page. */
export function checkMachine(facts: MachineFacts): HealthCheck[] {
  return [runtimeVersion(), dataFolder(facts.dataDir), diskSpace(facts.dataDir), clock(facts), ...confinement(facts.report)];
}

/** Checks of a node that runs. */
export function checkNode(facts: RunningFacts): HealthCheck[] {
  return [
    check("ports", "ok", { code: "addresses", values: { bus: facts.bus, page: facts.page } }),
    catalogue(facts),
    ...facts.registries.filter(({ embedded }) => !embedded).map(registry),
    neighbours(facts),
    ...givers(facts),
    ...facts.keyConflicts.map((values) =>
      check(`key.${values.node}`, values.own ? "bad" : "warn", { code: "key_conflict", values }),
    ),
    ...facts.plugins.flatMap((plugin) => [...pluginTrouble(plugin), ...dataFilling(plugin)]),
  ];
}

function check(id: string, state: HealthCheck["state"], finding: HealthFinding): HealthCheck {
  return { id, state, ...inEnglish(finding), finding };
}

function inEnglish(finding: HealthFinding): CheckText {
  switch (finding.code) {
    case "plugin": {
      const { id, name, state, error } = finding.values;
      return {
        title: name.en,
        detail: `${state}: ${error.message ?? error.error}`,
        fix: error.action ?? `See \`hearthnet plugin logs ${id}\`.`,
      };
    }
    case "catalogue_silent":
      return HEALTH_TEXTS.catalogue_silent({
        registries: finding.values.registries.map(({ id, error }) => ({ id, what: error.message ?? error.error })),
      });
    default:
      // The compiler does not follow that a code and its values come in pairs.
      return (HEALTH_TEXTS[finding.code] as (values: FoundValues[typeof finding.code]) => CheckText)(finding.values);
  }
}

function runtimeVersion(): HealthCheck {
  const fits = process.versions.modules === NODE_ABI;
  const values = { version: process.versions.node, platform: PLATFORM };
  return check("runtime", fits ? "ok" : "bad", { code: fits ? "runtime_fits" : "runtime_foreign", values });
}

function dataFolder(dir: string): HealthCheck {
  try {
    const { mode } = statSync(dir);
    const readable = process.platform !== "win32" && (mode & 0o077) !== 0;
    return check("data", readable ? "warn" : "ok", { code: readable ? "data_readable" : "data_private", values: { dir } });
  } catch {
    return check("data", "ok", { code: "data_none", values: { dir } });
  }
}

function diskSpace(dataDir: string): HealthCheck {
  const values = { freeBytes: freeBytes(dataDir) };
  if (values.freeBytes < DISK_FULL_BYTES) return check("disk", "bad", { code: "disk_full", values });
  if (values.freeBytes < DISK_LOW_BYTES) return check("disk", "warn", { code: "disk_low", values });
  return check("disk", "ok", { code: "disk_room", values });
}

/** Of the folder, or of the nearest one above it that exists. */
function freeBytes(path: string): number {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf("/"))) {
    try {
      const disk = statfsSync(at === "" ? "/" : at);
      return disk.bavail * disk.bsize;
    } catch (error) {
      if (at === "" || !at.includes("/")) throw error;
    }
  }
}

function clock({ build, now }: MachineFacts): HealthCheck {
  return now < build.time - CLOCK_SLACK_MS
    ? check("clock", "bad", { code: "clock_behind", values: { now, built: build.time } })
    : check("clock", "ok", { code: "clock_right", values: { now } });
}

function confinement({ label, probes, repairs }: ConfinementReport): HealthCheck[] {
  const confined = label === "os" || label === "os+cgroup";
  const held = probes.filter((probe) => probe.ok).length;
  return [
    confined
      ? check("confinement", "ok", { code: "confined", values: { label, held, probes: probes.length } })
      : check("confinement", "warn", {
          code: "unconfined",
          values: { label, repair: repairs.find(({ id }) => id !== "root") ?? null },
        }),
    ...repairs.map((values) => check(`confinement.${values.id}`, "warn", { code: "repair", values })),
  ];
}

function catalogue({ catalogue: facts, devRoot }: RunningFacts): HealthCheck {
  if (facts === null) return check("catalogue", "ok", { code: "catalogue_unread", values: {} });
  if (facts.silent.length > 0)
    return check("catalogue", "warn", { code: "catalogue_silent", values: { registries: facts.silent } });
  const values = { days: Math.floor(facts.ageSeconds / 86_400), devRoot };
  return facts.ageSeconds > STALE_CATALOGUE_SECONDS
    ? check("catalogue", "warn", { code: "catalogue_stale", values })
    : check("catalogue", "ok", { code: "catalogue_current", values });
}

/** One that the owner has added: where it lies and whose packages count. */
function registry({ id, source, namespaces, ageSeconds }: RegistryState): HealthCheck {
  const place = { id, source, namespaces: namespaces.join(", ") };
  if (ageSeconds === null) return check(`registry.${id}`, "warn", { code: "registry_unread", values: place });
  const days = Math.floor(ageSeconds / 86_400);
  return check(`registry.${id}`, "ok", { code: "registry_read", values: { ...place, days } });
}

function neighbours({ peers, hasCommunity }: RunningFacts): HealthCheck {
  if (!hasCommunity) return check("neighbours", "ok", { code: "no_community", values: {} });
  // Passers-by on the same network are nobody's neighbours.
  const known = peers.filter((peer) => peer.level !== "unknown");
  const online = known.filter((peer) => peer.online).length;
  return check("neighbours", "ok", { code: "neighbours", values: { online, known: known.length } });
}

function givers({ givers: names, hasCommunity }: RunningFacts): HealthCheck[] {
  if (!hasCommunity) return [];
  return [
    names === null
      ? check("givers", "ok", { code: "givers_unasked", values: {} })
      : check("givers", "ok", { code: "givers", values: { names: names.join(", ") } }),
  ];
}

const FILLING_SHARE = 0.9;

function dataFilling({ id, data, desired }: PluginStatus): HealthCheck[] {
  if (data === null || desired === "disabled" || data.bytes <= data.limitBytes * FILLING_SHARE) return [];
  const values = { id, usedBytes: data.bytes, limitBytes: data.limitBytes };
  return [check(`plugin.${id}.data`, "warn", { code: "data_filling", values })];
}

function pluginTrouble({ id, state, desired, displayName, reason }: PluginStatus): HealthCheck[] {
  if (reason === null || desired === "disabled") return [];
  return [
    check(`plugin.${id}`, state === "degraded" ? "warn" : "bad", {
      code: "plugin",
      values: { id, name: displayName, state, error: reason },
    }),
  ];
}
