import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConfinementReport } from "../contract/index.ts";
import { silentLog } from "../foundation/index.ts";
import { inspectMachine, probeConfinement } from "./confine/index.ts";

/** What this machine can give, found without a node: the canary runs in a folder that is gone afterwards. @source plugin-platform §1.4 */
export async function inspectConfinement(o: { runnerPath: string }): Promise<ConfinementReport> {
  const runDir = mkdtempSync(join(tmpdir(), "hearthnet-doctor-"));
  try {
    // The canary has a user of its own, which must reach its files.
    chmodSync(runDir, 0o755);
    mkdirSync(join(runDir, "canary"), { mode: 0o755 });
    const machine = await inspectMachine({ nodePath: process.execPath, runnerPath: o.runnerPath, runDir });
    return await probeConfinement(machine, { runDir, secretDir: runDir, log: silentLog });
  } finally {
    rmSync(runDir, { recursive: true, force: true });
  }
}
