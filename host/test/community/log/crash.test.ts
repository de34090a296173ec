import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { it } from "node:test";
import { found, Village } from "../../support/people.ts";
import { bytesOf, dice, seeds, signed, sync } from "../sync/support.ts";

const BATCH = 256;
const BATCHES = 12;
const RUNS = Number(process.env["HN_RUNS"] ?? 5);
const CHILD = join(import.meta.dirname, "crash-child.ts");

for (const seed of seeds(1))
  it(`kill -9 leaves the boundary of a batch, and everything that was acknowledged (network.md §5, HN_SEED=${seed})`, async (t) => {
    const village = new Village(t);
    const [anna, ben, carl] = [village.person("Anna"), village.person("Ben"), village.person("Carl")];
    await found(anna);
    await village.welcome(anna, ben);
    await village.welcome(anna, carl);
    await sync(village, ben, anna);
    const start = bytesOf(ben).length;
    const events = Array.from({ length: BATCH * BATCHES }, (_, i) => signed(anna, { lamport: 1000 + i }));
    const folder = mkdtempSync(join(tmpdir(), "hn-crash-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const eventsFile = join(folder, "events.json");
    writeFileSync(eventsFile, JSON.stringify(events));
    ben.community.close();
    const chance = dice(seed);
    let cutShort = 0;
    for (let run = 0; run < RUNS; run++) {
      const dataDir = join(folder, `run${run}`);
      cpSync(ben.dataDir, dataDir, { recursive: true });
      const said = await runAndKill([CHILD, dataDir, eventsFile, carl.signer.nodeId], {
        afterLines: 1 + chance.below(20),
        busyMs: chance.below(12),
      });
      if (!said.includes("done")) cutShort += 1;
      const { theirs, own } = countIn(dataDir);
      const batches = said.filter((line) => line.startsWith("batch")).length;
      assert.equal((theirs - start) % BATCH, 0, `${theirs} events are no whole batches`);
      assert.ok(theirs - start >= batches * BATCH, "what was acknowledged is there");
      for (const line of said.filter((word) => word.startsWith("own "))) assert.ok(own.includes(Number(line.slice(4))), line);
      assert.equal(new Set(own).size, own.length, "no lamport was used twice");
      // Whole, and the sums are those of the table.
      const again = ben.openAt(dataDir);
      const check = await again.verifyLog();
      assert.deepEqual({ broken: check.broken, fit: check.sums_fit }, { broken: [], fit: true });
      assert.ok((await again.append({ type: "ext.demo.own", data: {} })).lamport > Math.max(0, ...own));
      again.close();
    }
    ben.reopen();
    process.stdout.write(`figure: killed ${cutShort} of ${RUNS} times in the middle (seed ${seed})\n`);
    assert.ok(cutShort > 0);
  });

/** Starts the child, and kills it a moment after it has said so many lines. */
async function runAndKill(args: string[], o: { afterLines: number; busyMs: number }): Promise<string[]> {
  const child = spawn(process.execPath, ["--no-warnings", "--conditions=hearthnet-source", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
    if (text.split("\n").length <= o.afterLines) return;
    // Somewhere within what it does next.
    for (const end = performance.now() + o.busyMs; performance.now() < end;);
    child.kill("SIGKILL");
  });
  await once(child, "close");
  return text.split("\n").filter((line) => line !== "");
}

function countIn(dataDir: string): { theirs: number; own: number[] } {
  const db = new DatabaseSync(join(dataDir, "community.db"));
  const own = db.prepare("SELECT lamport FROM events WHERE event_type = 'ext.demo.own'").all() as { lamport: number }[];
  const { n } = db.prepare("SELECT count(*) AS n FROM events WHERE event_type <> 'ext.demo.own'").get() as { n: number };
  db.close();
  return { theirs: n, own: own.map(({ lamport }) => lamport) };
}
