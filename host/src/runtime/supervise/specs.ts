/** From manifest, grants and the machine to what a process gets. @source plugin-platform §1.3, §7 */
import type { ConfinementReport, JsonObject, PluginLimits, PluginManifest } from "../../contract/index.ts";
import type { SandboxSpec } from "../confine/index.ts";
import { denied, GrantTable } from "../permission/index.ts";
import type { StartFacts } from "./managed-plugin.ts";

const DEFAULTS: Required<PluginLimits> = {
  memoryMb: 256,
  cpu: 1,
  pids: 32,
  diskMb: 64,
  egressMbPerHour: 50,
  callsPerMinute: 240,
  callTimeoutMs: 30_000,
  startTimeoutMs: 10_000,
  shutdownMs: 5000,
  maxBlockMs: 4000,
};
const MEGABYTE = 1_048_576;
const EGRESS_MAX_MB_PER_HOUR = 10_240;

/** What the manifest asks for, filled with defaults and cut to what this host allows. */
export function limitsOf(manifest: PluginManifest, maxMemoryMb: number): Required<PluginLimits> {
  const asked = { ...DEFAULTS, ...manifest.limits };
  return {
    ...asked,
    memoryMb: clamp(asked.memoryMb, 64, maxMemoryMb),
    pids: clamp(asked.pids, 16, 1024),
    egressMbPerHour: clamp(asked.egressMbPerHour, 0, EGRESS_MAX_MB_PER_HOUR),
    cpu: clamp(asked.cpu, 0.1, 64),
    callsPerMinute: clamp(asked.callsPerMinute, 1, 10_000_000),
    startTimeoutMs: clamp(asked.startTimeoutMs, 1000, 120_000),
    shutdownMs: clamp(asked.shutdownMs, 100, 30_000),
    maxBlockMs: clamp(asked.maxBlockMs, 4000, 30_000),
  };
}

export function pluginSpec(o: {
  facts: StartFacts;
  limits: Required<PluginLimits>;
  assetsDir: string | null;
  dataDir: string | null;
  report: ConfinementReport;
  now: () => number;
}): SandboxSpec {
  const { release, grants } = o.facts;
  const table = new GrantTable(grants, { now: o.now });
  const rights = table.process();
  const mayLoosen = o.report.label.startsWith("os") || release.embeddedRoot;
  return {
    packageDir: release.dir,
    assetsDir: o.assetsDir,
    dataDir: o.dataDir,
    memoryMb: o.limits.memoryMb,
    pids: o.limits.pids,
    cpu: o.limits.cpu,
    maxFileBytes: Math.max(rights.dataBytes, MEGABYTE),
    // Both escape Node's permission model, so without a sandbox they are the first-party plugins' alone.
    sqlite: rights.sqlite && mayLoosen,
    threads: rights.threads && mayLoosen,
    // So does machine code, which no permission model sees.
    native: rights.native && mayLoosen,
    mounts: table.scopes("fs.mount").flatMap(mountOf),
    devices: table.scopes("hw.gpu").flatMap((scope) => devicesOf(scope)),
  };
}

/**
 * No data, no mounts, no devices: a worker has its messages.
 * @throws permission_denied: a program without `native` for it. That it has a sandbox sees its launcher to.
 */
export function workerSpec(o: {
  facts: StartFacts;
  worker: { memoryMb: number; pids: number; isProgram: boolean };
  assetsDir: string | null;
  report: ConfinementReport;
  maxMemoryMb: number;
  now: () => number;
}): SandboxSpec {
  const { release, grants } = o.facts;
  const rights = new GrantTable(grants, { now: o.now }).process();
  const mayLoosen = o.report.label.startsWith("os") || release.embeddedRoot;
  if (o.worker.isProgram && !rights.programs) throw denied("native", "exec");
  return {
    packageDir: release.dir,
    assetsDir: o.assetsDir,
    dataDir: null,
    memoryMb: clamp(o.worker.memoryMb, 64, o.maxMemoryMb),
    pids: clamp(o.worker.pids, 16, 1024),
    maxFileBytes: MEGABYTE,
    sqlite: false,
    threads: rights.threads && mayLoosen,
    native: rights.native && mayLoosen,
    mounts: [],
    devices: [],
  };
}

/** The operator picked `path` at consent; a scope without one mounts nothing. */
function mountOf(scope: JsonObject): SandboxSpec["mounts"][number][] {
  const { name, path, mode } = scope;
  if (typeof name !== "string" || !/^[a-z][a-z0-9-]{0,31}$/.test(name) || typeof path !== "string" || !path.startsWith("/"))
    return [];
  return [{ name, source: path, writable: mode === "rw" }];
}

function devicesOf(scope: JsonObject): string[] {
  const devices = scope["devices"];
  return Array.isArray(devices)
    ? devices.filter((device): device is string => typeof device === "string" && /^\/dev\/[\w/]+$/.test(device))
    : [];
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
