import { mkdirSync } from "node:fs";
import type { ConfinementReport } from "../contract/index.ts";
import { closeInherited, endLeftovers, inspectMachine, openCgroups, probeConfinement, type Machine } from "./confine/index.ts";
import { findEngine } from "./isolate/index.ts";
import { openLayout } from "./layout.ts";
import type { RuntimeOptions } from "./options.ts";
import { NodeRuntime } from "./runtime.ts";

/**
 * Looks at the machine before any plugin runs: what it can confine, and whether it has an isolate engine.
 * @throws internal_error db_corrupt
 */
export async function openRuntime(options: RuntimeOptions): Promise<NodeRuntime> {
  if (options.closeInheritedFiles !== false) {
    const closed = closeInherited();
    if (closed.length > 0) options.log.info("closed inherited files", { count: closed.length });
  }
  const layout = openLayout(options.dataDir);
  const machine = await inspectMachine({
    nodePath: options.nodePath ?? process.execPath,
    runnerPath: options.runnerPath,
    runDir: layout.runDir,
    ...(options.path === undefined ? {} : { path: options.path }),
    ...(options.systemPath === undefined ? {} : { systemPath: options.systemPath }),
  });
  const left = machine.seccompFile === null ? 0 : endLeftovers({ seccompFile: machine.seccompFile, dataDir: options.dataDir });
  if (left > 0) options.log.info("ended sandboxes that a former run left behind half made", { count: left });
  if (options.inProcess === undefined && machine.tools !== null) machine.cgroups = openCgroups(options.clock);
  mkdirSync(`${layout.runDir}/canary`, { recursive: true, mode: 0o755 });
  const report =
    options.inProcess === undefined
      ? await probeConfinement(machine, { runDir: layout.runDir, secretDir: options.dataDir, log: options.log })
      : unconfinedReport(machine);
  const { isolateEngineDir } = options;
  const engine = await findEngine(machine, isolateEngineDir === undefined ? {} : { packageDir: isolateEngineDir });
  return new NodeRuntime(options, { layout, machine, report, engine });
}

function unconfinedReport({ asRoot, bwrapVersion }: Machine): ConfinementReport {
  return { label: "none", probes: [], repairs: [], asRoot, bwrapVersion };
}
