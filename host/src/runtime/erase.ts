/** Deletes a plugin's data from inside a sandbox that holds that folder and nothing else. @source plugin-platform §1.3.6 */
import { existsSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSeatBelt, sandboxLauncher, seatBeltLauncher, type Launcher, type Machine } from "./confine/index.ts";

/** Runs where the plugin ran: a planted link leads nowhere there. */
const PROGRAM = `"use strict";
const fs = require("node:fs"), path = require("node:path"), root = process.env.HOME;
for (const name of fs.readdirSync(root)) fs.rmSync(path.join(root, name), { recursive: true, force: true });
`;
const ERASE_MS = 60_000;

/** Empties the folder in the helper, then removes it and the host's own files beside it. @throws Error when something is left */
export async function eraseData(
  machine: Machine,
  o: { runDir: string; pluginFolder: string; dataDir: string; confined: boolean },
): Promise<void> {
  if (existsSync(o.dataDir)) {
    const runner = join(o.runDir, "erase.cjs");
    writeFileSync(runner, PROGRAM, { mode: 0o644 });
    const helper: Machine = { ...machine, runner, tools: machine.tools === null ? null : { ...machine.tools, runner } };
    const belt = o.confined ? null : openSeatBelt(helper);
    try {
      await runHelper(belt === null ? sandboxLauncher(helper) : seatBeltLauncher(helper, belt), o);
    } finally {
      belt?.close();
    }
    rmdirSync(o.dataDir);
  }
  rmSync(o.pluginFolder, { recursive: true, force: true });
}

async function runHelper(launcher: Launcher, { runDir, dataDir }: { runDir: string; dataDir: string }): Promise<void> {
  const helper = launcher.launch({
    packageDir: join(runDir, "canary"),
    assetsDir: null,
    dataDir,
    memoryMb: 128,
    pids: 32,
    maxFileBytes: 1_048_576,
    sqlite: false,
    threads: false,
    native: false,
    mounts: [],
    devices: [],
  });
  const timer = setTimeout(() => helper.kill(), ERASE_MS);
  let said = "";
  helper.stderr.on("data", (chunk: Uint8Array) => (said = (said + String(chunk)).slice(0, 500)));
  helper.stdout.resume();
  helper.link.resume();
  const { code } = await helper.exited;
  clearTimeout(timer);
  helper.link.destroy();
  if (code !== 0) throw new Error(`The plugin's data could not be deleted: ${said}`);
}
