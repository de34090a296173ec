import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startTicks } from "../../../host/src/runtime/confine/index.ts";
import { hasBubblewrap, temporaryFolder } from "../../../host/test/runtime/fixtures/world.ts";
import { until } from "../../../host/test/support/until.ts";
import { reportAttack } from "./report.ts";

interface Report {
  states: string[];
  pids: number[];
}

async function startDaemon(folder: string): Promise<{ daemon: ChildProcess; report: Report }> {
  const daemon = spawn(
    process.execPath,
    ["--no-warnings", "--conditions=hearthnet-source", join(import.meta.dirname, "killed-daemon.ts"), folder],
    {
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 60_000,
    },
  );
  const [chunk] = (await once(daemon.stdout, "data")) as [Buffer];
  return { daemon, report: JSON.parse(chunk.toString()) as Report };
}

/** What a daemon without a sandbox leaves behind when it is killed: the process that it has started. */
async function orphanOfPlainParent(): Promise<string> {
  const idle = "setInterval(() => {}, 1000)";
  const code = `process.stdout.write(String(require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(idle)}], { stdio: "ignore" }).pid)); ${idle}`;
  const parent = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  const [chunk] = (await once(parent.stdout, "data")) as [Buffer];
  const orphan = Number(chunk.toString());
  try {
    parent.kill("SIGKILL");
    await once(parent, "exit");
    assert.notEqual(startTicks(orphan), null, "the control must leave an orphan");
    return "1 of 1 process orphaned";
  } finally {
    process.kill(orphan, "SIGKILL");
  }
}

test("A25: kill -9 of the daemon under load leaves no process behind and, started again, one active release of each plugin", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const control = await orphanOfPlainParent();
  const folder = temporaryFolder();
  try {
    const first = await startDaemon(folder);
    assert.equal(first.report.states.filter((line) => line.endsWith("active")).length, 5);
    assert.ok(first.report.pids.length >= 20, "five plugins and their workers run");
    first.daemon.kill("SIGKILL");
    await once(first.daemon, "exit");
    await until("all are gone", () => first.report.pids.every((pid) => startTicks(pid) === null), 20_000);
    const second = await startDaemon(folder);
    assert.deepEqual(second.report.states, first.report.states);
    second.daemon.kill("SIGKILL");
    await once(second.daemon, "exit");
    await until("all are gone", () => second.report.pids.every((pid) => startTicks(pid) === null), 20_000);
    reportAttack({
      row: "A25",
      title: "outlive the daemon that is killed under load",
      confined: `${first.report.pids.length} processes, 0 orphans, 5 of 5 plugins active again`,
      control,
      record: "journal: one active release each",
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
