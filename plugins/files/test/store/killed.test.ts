/** The process ends at any moment; what it had said is there, and nothing false is. `HN_KILLS=100` for more. @source 30 §4.1 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { CHUNK_BYTES, makeManifest } from "../../src/cid/manifest.ts";
import { assertSame, openTestStore, type TestStore } from "../support/test-store.ts";
import { contentOf } from "./killed-child.ts";

const KILLS = Number(process.env["HN_KILLS"] ?? 4);
const SEED = Number(process.env["HN_SEED"] ?? Date.now() % 1e6);
/** The child is killed some turns after some line of it, so that it may be anywhere. */
const LINES_MAX = 25;
const TURNS_MAX = 300;
const LOOKED_AT = 60;

/** What the child said of each content. */
type Said = Map<number, "put" | "done" | "delete" | "gone">;

async function runAndKill(folder: string, o: { first: number; lines: number; turns: number; said: Said }): Promise<number> {
  const child = spawn(
    process.execPath,
    ["--no-warnings", "--conditions=hearthnet-source", join(import.meta.dirname, "killed-child.ts"), folder, String(o.first)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let last = o.first;
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once("exit", (_code, signal) => resolve(signal)));
  const read = new Promise<void>((resolve) => {
    const lines = createInterface({ input: child.stdout });
    let seen = 0;
    const end = async (): Promise<void> => {
      for (let left = o.turns; left > 0; left -= 1) await turn();
      child.kill("SIGKILL");
    };
    lines.on("line", (line) => {
      if (seen === o.lines) void end();
      seen += 1;
      if (line === "ready") return;
      const [what = "", number = ""] = line.split(" ");
      o.said.set(Number(number), what as "put");
      last = Math.max(last, Number(number));
    });
    lines.on("close", resolve);
  });
  assert.equal(await ended, "SIGKILL", "the child ended by itself");
  await read;
  return last;
}

/** Everything that was said holds, everything that is there is right, and nothing else lies on the disk. */
async function check(it: TestStore, said: Said): Promise<void> {
  assert.equal((await it.audit()).lostChunks, 0);
  await it.recoder.run();
  const wanted = new Map<string, boolean>();
  // Of the older ones everything was looked at after the kills before.
  for (const [n, what] of [...said].slice(-LOOKED_AT)) {
    const bytes = contentOf(n);
    const cid = idOf(it, bytes);
    const there = it.store.complete(cid);
    // One content may have several numbers: it is there if any of them says so.
    if (what === "done") wanted.set(cid, true);
    if (there) assertSame(await it.bytesOf(cid), Buffer.from(bytes), `content ${n}`);
  }
  for (const [cid] of wanted) assert.ok(it.store.complete(cid), `${cid} was said to be stored`);
  const wrong = it.db
    .prepare("SELECT count(*) AS n FROM chunk WHERE refs <> (SELECT count(*) FROM part WHERE chunk_id = chunk.id)")
    .get() as { n: number };
  assert.equal(wrong.n, 0, "counts are right");
  const held = it.db.prepare("SELECT count(*) AS n FROM chunk WHERE held = 1").get() as { n: number };
  assert.equal(it.chunkFiles().length, held.n, "every file has its row, every row its file");
  assert.deepEqual(it.damaged, []);
}

function idOf({ hasher }: TestStore, bytes: Uint8Array): string {
  const parts = Array.from({ length: Math.ceil(bytes.byteLength / CHUNK_BYTES) }, (_, i) =>
    bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
  );
  return makeManifest(
    hasher,
    parts.map((part) => ({ cid: hasher.cid(part), size_bytes: part.byteLength })),
  ).cid;
}

test(`${KILLS} times killed while it stores, converts and deletes: nothing that was said is lost`, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hn-files-killed-"));
  t.diagnostic(`HN_SEED=${SEED}`);
  let random = SEED;
  const below = (max: number): number => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((random / 2 ** 32) * max);
  };
  const said: Said = new Map();
  let first = 0;
  try {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const [lines, turns] = [below(LINES_MAX), below(TURNS_MAX)];
      first = (await runAndKill(folder, { first, lines, turns, said })) + 1;
      const it = await openTestStore({ folder, disk: async () => [{ kind: "disk", totalBytes: 1e12, freeBytes: 1e12 }] });
      try {
        await check(it, said);
      } finally {
        it.db.close();
      }
    }
    assert.ok(said.size > KILLS, "it got to do something");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
