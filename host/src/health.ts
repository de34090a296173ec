import { statfsSync, statSync } from "node:fs";
import type { ConfinementReport, HealthCheck, PeerRow, PluginStatus } from "./contract/index.ts";
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
  catalogue: { ageSeconds: number; errors: string[] } | null;
  devRoot: boolean;
}

/** Checks of the machine: runtime, data folder, disk, clock, confinement. Shown by `doctor` and on the health page. */
export function checkMachine(facts: MachineFacts): HealthCheck[] {
  return [runtimeVersion(), dataFolder(facts.dataDir), diskSpace(facts.dataDir), clock(facts), ...confinement(facts.report)];
}

/** Checks of a node that runs. */
export function checkNode(facts: RunningFacts): HealthCheck[] {
  return [
    {
      id: "ports",
      state: "ok",
      title: "Addresses",
      detail: `The bus answers at ${facts.bus}, the page at ${facts.page}.`,
      fix: "",
    },
    catalogue(facts),
    neighbours(facts),
    ...facts.plugins.flatMap((plugin) => pluginTrouble(plugin)),
  ];
}

function runtimeVersion(): HealthCheck {
  const fits = process.versions.modules === NODE_ABI;
  return {
    id: "runtime",
    state: fits ? "ok" : "bad",
    title: "Runtime",
    detail: `Node ${process.versions.node} on ${process.platform}-${process.arch}.`,
    fix: fits ? "" : "Start HearthNet with `npm start` or `npx hearthnet`, which use the Node that it brings along.",
  };
}

function dataFolder(dataDir: string): HealthCheck {
  const title = "Data folder";
  try {
    const { mode } = statSync(dataDir);
    if (process.platform !== "win32" && (mode & 0o077) !== 0)
      return {
        id: "data",
        state: "warn",
        title,
        detail: `Other users of this machine can look into ${dataDir}.`,
        fix: `Run \`chmod 700 '${dataDir}'\`.`,
      };
    return { id: "data", state: "ok", title, detail: dataDir, fix: "" };
  } catch {
    return { id: "data", state: "ok", title, detail: `${dataDir} is made at the first start.`, fix: "" };
  }
}

function diskSpace(dataDir: string): HealthCheck {
  const disk = freeBytes(dataDir);
  const low = disk < DISK_LOW_BYTES;
  return {
    id: "disk",
    state: disk < DISK_FULL_BYTES ? "bad" : low ? "warn" : "ok",
    title: "Disk",
    detail: `${(disk / GIB).toFixed(1)} GiB free.`,
    fix: low ? "Make room on this disk, or move the data folder with `--data`." : "",
  };
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
  const wrong = now < build.time - CLOCK_SLACK_MS;
  const shown = new Date(now).toISOString().slice(0, 16).replace("T", " ");
  return {
    id: "clock",
    state: wrong ? "bad" : "ok",
    title: "Clock",
    detail: wrong
      ? `The clock shows ${shown} UTC, which is before this version was made (${new Date(build.time).toISOString().slice(0, 10)}).`
      : `${shown} UTC.`,
    fix: wrong ? "Set the date and time of this machine; signatures and certificates depend on them." : "",
  };
}

function confinement(report: ConfinementReport): HealthCheck[] {
  const confined = report.label === "os" || report.label === "os+cgroup";
  const held = report.probes.filter((probe) => probe.ok).length;
  return [
    {
      id: "confinement",
      state: confined ? "ok" : "warn",
      title: "Confinement of plugins",
      detail: confined
        ? `Label ${report.label}: the operating system confines every plugin (${held} of ${report.probes.length} probes held).`
        : `Label ${report.label}: plugins are not confined by the operating system. Only first-party plugins run.`,
      fix: confined ? "" : (report.repairs.find(({ id }) => id !== "root")?.fix ?? ""),
    },
    ...report.repairs.map(({ id, title, fix }): HealthCheck => ({
      id: `confinement.${id}`,
      state: "warn",
      title: "Confinement",
      detail: title,
      fix,
    })),
  ];
}

function catalogue({ catalogue: facts, devRoot }: RunningFacts): HealthCheck {
  const title = "Catalogue";
  if (facts === null) return { id: "catalogue", state: "ok", title, detail: "It is being read.", fix: "" };
  const days = Math.floor(facts.ageSeconds / 86_400);
  const origin = devRoot ? " It was built and signed on this machine for development." : "";
  if (facts.errors.length > 0)
    return {
      id: "catalogue",
      state: "warn",
      title,
      detail: `${facts.errors.join(" ")} What was known before is shown.`,
      fix: "Check the internet connection and the registry's address; installed plugins are not affected.",
    };
  return {
    id: "catalogue",
    state: facts.ageSeconds > STALE_CATALOGUE_SECONDS ? "warn" : "ok",
    title,
    detail: `${days < 1 ? "From today." : `${days} days old.`}${origin}`,
    fix:
      facts.ageSeconds > STALE_CATALOGUE_SECONDS
        ? "Connect to the internet or a neighbour once, so that newer versions are seen."
        : "",
  };
}

function neighbours({ peers, hasCommunity }: RunningFacts): HealthCheck {
  const online = peers.filter((peer) => peer.online && peer.level !== "unknown").length;
  return {
    id: "neighbours",
    state: "ok",
    title: "Neighbours",
    detail: hasCommunity ? `${online} of ${peers.length} known nodes online.` : "This node belongs to no community yet.",
    fix: hasCommunity ? "" : "Found one with `hearthnet community create NAME`, or join one with `hearthnet join`.",
  };
}

function pluginTrouble(plugin: PluginStatus): HealthCheck[] {
  if (plugin.reason === null || plugin.desired === "disabled") return [];
  return [
    {
      id: `plugin.${plugin.id}`,
      state: plugin.state === "degraded" ? "warn" : "bad",
      title: plugin.displayName.en,
      detail: `${plugin.state}: ${plugin.reason.message ?? plugin.reason.error}`,
      fix: plugin.reason.action ?? `See \`hearthnet plugin logs ${plugin.id}\`.`,
    },
  ];
}
