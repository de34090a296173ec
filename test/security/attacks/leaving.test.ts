/** Plugins that do not want to go. The control survives what ends them. @source plugin-platform §6.3, §10 A16 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  inspectMachine,
  insidePaths,
  sandboxArguments,
  spawnSandbox,
  startTicks,
} from "../../../host/src/runtime/confine/index.ts";
import { hasBubblewrap, temporaryFolder } from "../../../host/test/runtime/fixtures/world.ts";
import { until } from "../../../host/test/support/until.ts";
import { DaemonProcess } from "../../support/daemon-process.ts";
import { hostile, installNeighbour, NEIGHBOUR } from "./hostile.ts";
import { besideNeighbour } from "./neighbour-times.ts";
import { reportAttack } from "./report.ts";

const SHUTDOWN_MS = 500;
/** §11 says 100 ms, which is what is printed; a machine with other work takes longer to notice. */
const LATE_MS = 5000;
const PATIENCE_MS = 30_000;

const confined = hasBubblewrap();
let daemon: DaemonProcess;
before(async () => {
  if (!confined) return;
  daemon = await DaemonProcess.open(temporaryFolder());
  await installNeighbour(daemon);
});
after(() => (confined ? daemon.close() : undefined));

interface Reluctance {
  title: string;
  /** Runs in `setup`, or as the control's only line; it keeps the process alive afterwards. */
  code: string;
}

const RELUCTANT: readonly Reluctance[] = [
  {
    title: "ignore the word to stop",
    code: `process.exit = () => {}; process.reallyExit = () => {}; process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);`,
  },
  {
    title: "block at exit",
    code: `process.on("exit", () => { for (;;); }); process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1000);`,
  },
  {
    title: "be busy when the word comes",
    code: `process.on("SIGTERM", () => {}); setInterval(() => { const end = Date.now() + 400; while (Date.now() < end); }, 401);`,
  },
];

/** Asked to leave as a plain service manager does, it is still there. */
async function survivesTerm({ code }: Reluctance): Promise<string> {
  const child = spawn(process.execPath, ["-e", `${code}; process.stdout.write("up")`], { stdio: ["ignore", "pipe", "ignore"] });
  const gone = once(child, "exit");
  try {
    await once(child.stdout, "data");
    const asked = performance.now();
    child.kill("SIGTERM");
    await until("twice the time is over", () => performance.now() - asked > 2 * SHUTDOWN_MS);
    assert.equal(child.exitCode ?? child.signalCode, null, "the control must survive");
    return `still there ${2 * SHUTDOWN_MS} ms after SIGTERM`;
  } finally {
    child.kill("SIGKILL");
    await gone;
  }
}

for (const reluctance of RELUCTANT)
  test(`A16: a plugin cannot ${reluctance.title}: it is killed when its time is over, and nothing of it is left; the control stays`, async (t) => {
    if (!confined) return t.skip("needs bubblewrap");
    const control = await survivesTerm(reluctance);
    const id = "lab/reluctant";
    const parts = hostile({ setup: reluctance.code });
    const { evidence } = await daemon.ask("install", { ...parts, id, manifest: { limits: { shutdownMs: SHUTDOWN_MS } } });
    try {
      const { result, neighbour } = await besideNeighbour(
        () => daemon.ask("call", { capability: NEIGHBOUR }),
        async () => {
          const asked = performance.now();
          const { state } = await daemon.ask("disable", id);
          return { state, ms: Math.round(performance.now() - asked) };
        },
      );
      assert.equal(result.state, "stopped");
      assert.ok(result.ms <= SHUTDOWN_MS + LATE_MS, `${result.ms} ms`);
      const pid = evidence?.pid ?? 0;
      assert.ok(pid > 0);
      await until("no process is left", () => startTicks(pid) === null, PATIENCE_MS);
      reportAttack({
        row: "A16",
        title: reluctance.title,
        confined: `gone ${result.ms} ms after it was asked, of ${SHUTDOWN_MS} ms`,
        control,
        record: await daemon.ask("record", id),
        neighbour,
      });
    } finally {
      await daemon.ask("remove", id);
    }
  });

/** Starts a child that leads its own session, tells its pid, lives on. */
const GRANDCHILD = `
  const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" });
  child.unref();
  setInterval(() => {}, 1000);`;

async function survivingGrandchild(): Promise<string> {
  const child = spawn(process.execPath, ["-e", `${GRANDCHILD}; process.stdout.write(String(child.pid))`], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const gone = once(child, "exit");
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  const grandchild = Number(text.toString());
  child.kill("SIGKILL");
  await gone;
  try {
    assert.notEqual(startTicks(grandchild), null, "the control's grandchild must survive");
    return "survives its parent's SIGKILL";
  } finally {
    process.kill(grandchild, "SIGKILL");
  }
}

test("A16: a detached grandchild, could a plugin start one, dies with its sandbox; the control's survives", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const control = await survivingGrandchild();
  const runDir = temporaryFolder();
  const packageDir = join(runDir, "package");
  mkdirSync(packageDir, { mode: 0o755 });
  const runner = join(runDir, "runner.cjs");
  writeFileSync(runner, GRANDCHILD, { mode: 0o644 });
  const { tools, seccompFile } = await inspectMachine({ nodePath: process.execPath, runnerPath: runner, runDir });
  assert.ok(tools !== null && seccompFile !== null);
  const spec = {
    packageDir,
    assetsDir: null,
    dataDir: null,
    memoryMb: 128,
    pids: 64,
    maxFileBytes: 0,
    sqlite: false,
    threads: false,
    native: false,
    mounts: [],
    devices: [],
  };
  const argv = sandboxArguments({ ...tools, runner }, spec);
  // Node's permission model refuses the child already (A07), so it is left out here.
  const sandbox = spawnSandbox(
    { tools, seccompFile },
    [...argv.slice(0, argv.lastIndexOf("/node") + 1), "/runner/runner.cjs"],
    insidePaths(spec),
  );
  sandbox.stdout.resume();
  sandbox.stderr.resume();
  const { result, neighbour } = await besideNeighbour(
    () => daemon.ask("call", { capability: NEIGHBOUR }),
    async () => {
      const node = await until("node runs", () => sandbox.nodePid(), PATIENCE_MS);
      const all = await until(
        "its child runs",
        () => {
          const tree = sandbox.tree();
          return tree.indexOf(node) < tree.length - 1 ? tree : null;
        },
        PATIENCE_MS,
      );
      sandbox.kill();
      await sandbox.exited;
      await until("all of them are gone", () => all.every((pid) => startTicks(pid) === null), PATIENCE_MS);
      return all.length;
    },
  );
  reportAttack({
    row: "A16",
    title: "leave a detached grandchild",
    confined: `all ${result} processes gone with the sandbox; under Node's permission model there is none (A07)`,
    control,
    record: "-",
    neighbour,
  });
});
