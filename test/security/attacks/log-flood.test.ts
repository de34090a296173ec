/** Plugins that print more than anybody could keep. The control prints the same into a file. @source plugin-platform §10 A14 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hasBubblewrap, temporaryFolder } from "../../../host/test/runtime/fixtures/world.ts";
import { until } from "../../../host/test/support/until.ts";
import { DaemonProcess } from "../../support/daemon-process.ts";
import { HOSTILE, installNeighbour, NEIGHBOUR } from "./hostile.ts";
import { besideNeighbour } from "./neighbour-times.ts";
import { reportAttack } from "./report.ts";

const CONTROL = join(import.meta.dirname, "..", "..", "fixtures", "plugins", "hostile", "control.cjs");
const FLOOD_MB = 100;
/** 5 MB of lines, as SQLite keeps them, and the journal beside them. */
const DISK_MB = 25;
/** What the daemon still holds afterwards. */
const HEAP_MB = 10;

const print = (block: string, times: number): string => `
  const block = ${block};
  for (let n = 0; n < ${times}; n += 1) await new Promise((resolve) => process.stdout.write(block, resolve));`;
const FLOODS = [
  { title: `${FLOOD_MB} MB of log lines`, code: print('("x".repeat(99) + "\\n").repeat(10_000)', FLOOD_MB) },
  { title: `one log line of ${FLOOD_MB} MB`, code: print('"x".repeat(1_000_000)', FLOOD_MB) },
  { title: `${FLOOD_MB} MB of the shortest log lines`, code: print('"x\\n".repeat(500_000)', FLOOD_MB) },
];

const confined = hasBubblewrap();
let folder: string;
let daemon: DaemonProcess;
before(async () => {
  if (!confined) return;
  folder = temporaryFolder();
  daemon = await DaemonProcess.open(folder);
  await installNeighbour(daemon);
});
after(() => (confined ? daemon.close() : undefined));

/** Megabytes of the node's own files. */
function diskMb(): number {
  const runtime = join(folder, "node", "runtime");
  const bytes = readdirSync(runtime, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { name }) => sum + statSync(join(runtime, name)).size, 0);
  return bytes / 1e6;
}

/** Into a file, nobody stops it. */
function unlimited(code: string): number {
  const path = join(folder, "flood");
  const file = openSync(path, "w");
  try {
    spawnSync(process.execPath, [CONTROL, `${code}; process.exit(0);`], { stdio: ["ignore", file, "ignore"], env: {} });
    return statSync(path).size / 1e6;
  } finally {
    closeSync(file);
  }
}

for (const { title, code } of FLOODS)
  test(`A14: ${title} fill no disk and stop nobody, and how much was dropped is said; the control fills it`, async (t) => {
    if (!confined) return t.skip("needs bubblewrap");
    const controlMb = unlimited(code);
    assert.ok(controlMb >= FLOOD_MB, `${controlMb} MB`);
    const id = "lab/chatty";
    await daemon.ask("install", { ...HOSTILE, id });
    try {
      const before = { disk: diskMb(), heap: (await daemon.ask("measure", null)).heapMb };
      const { neighbour } = await besideNeighbour(
        () => daemon.ask("call", { capability: NEIGHBOUR }),
        () => daemon.ask("call", { capability: HOSTILE.capability, input: { code }, timeoutMs: 60_000 }),
      );
      const grown = { disk: diskMb() - before.disk, heap: (await daemon.ask("measure", null)).heapMb - before.heap };
      assert.ok(grown.disk < DISK_MB, `the node's files grew by ${grown.disk.toFixed(1)} MB`);
      assert.ok(grown.heap < HEAP_MB, `the daemon holds ${grown.heap.toFixed(1)} MB more`);
      assert.equal((await daemon.ask("status", id))?.state, "active", "printing much is no crime");
      // At the end of the minute, or of the process.
      await daemon.ask("restart", id);
      const line = await until("what was dropped is counted", async () =>
        (await daemon.ask("hostLines", id)).find((text) => text.includes("bytes of output dropped")),
      );
      const dropped = Number(/\d+/.exec(line)?.[0]) / 1e6;
      assert.ok(dropped > FLOOD_MB - 10, line);
      reportAttack({
        row: "A14",
        title,
        confined: `${dropped.toFixed(0)} MB dropped, disk +${grown.disk.toFixed(1)} MB, daemon's heap +${grown.heap.toFixed(1)} MB`,
        control: `a file of ${controlMb.toFixed(0)} MB`,
        record: `log: ${line}`,
        neighbour,
      });
    } finally {
      await daemon.ask("remove", id);
    }
  });
