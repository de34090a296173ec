/** Another plugin's files, kept by the file plugin as it is shipped: host, both sandboxes and every check between them. @source plugin-platform §3.3 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Grant, JsonObject } from "../../host/src/contract/index.ts";
import { requested } from "../../host/src/format/index.ts";
import { blobCid } from "../../host/src/identity/index.ts";
import { allow, hasBubblewrap } from "../../host/test/runtime/fixtures/world.ts";
import { openNeighbourhood, type Neighbourhood } from "../../host/test/runtime/commons/neighbours.ts";
import { openProject } from "../../sdk-plugin/src/commands/project.ts";
import { stagedRelease } from "../../sdk-plugin/src/testing/staged-release.ts";

const skip = hasBubblewrap() ? false : "needs bubblewrap";
const MIB = 1_048_576;
/** Megabytes take their time where others work as well. */
const PATIENT = { timeoutMs: 120_000 };

/** Stores so many bytes as a stream, or reads what it is asked for, under its own authority. */
const READER = `
  const { size, open, stat, seed = 1, visibility = "private", meta = {}, rest = 0 } = req.input;
  if (stat) return { ...(await ctx.blobs.stat(stat)) };
  if (open) {
    const file = await ctx.blobs.open(open);
    let sum = 0, count = 0;
    for await (const part of file.stream()) {
      if (rest > 0) await new Promise((go) => setTimeout(go, rest));
      count += part.byteLength;
      for (let at = 0; at < part.byteLength; at += 997) sum = (sum + part[at]) % 65521;
    }
    return { size: file.size, count, sum };
  }
  const many = async function* () {
    for (let left = size, n = seed; left > 0; left -= 300000, n += 1) yield new Uint8Array(Math.min(300000, left)).fill(n % 251);
  };
  return { cid: await ctx.blobs.put(many(), { visibility, mime: "application/x-test", meta }) };`;

/** What the plugin above stores. */
function contentOf(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0, n = seed; at < size; at += 300_000, n += 1) bytes.fill(n % 251, at, at + 300_000);
  return bytes;
}

async function neighbourhood(t: TestContext, change: (grant: Grant) => Grant = (grant) => grant): Promise<Neighbourhood> {
  const open = await openNeighbourhood(t);
  const project = openProject({ args: ["plugins/files"], cwd: join(import.meta.dirname, "..", "..") });
  const root = join(open.world.folder, "files");
  mkdirSync(root, { mode: 0o755 });
  const release = await stagedRelease(project, { root, place: 1, sourceMaps: false });
  const grants = requested(project.manifest.permissions).map((right) =>
    change({ ...right, mode: "allow", grantedBy: "operator", at: 0 }),
  );
  const { state, reason } = await open.world.runtime.stage(release, grants);
  assert.equal(state, "active", JSON.stringify(reason));
  await open.install({
    name: "reader",
    does: READER,
    grants: [
      allow("blobs.read", { visibility: "private", own: true }),
      allow("blobs.write", { visibility: "public", quotaMb: 256 }),
    ],
  });
  return open;
}

test(
  "stores and gives back what another plugin hands it, of any size, under the name that the host computes as well",
  { skip },
  async (t) => {
    const { ask } = await neighbourhood(t);
    for (const size of [0, 1, 262_145, 17 * MIB]) {
      const bytes = contentOf(size);
      const { cid = null } = await ask("reader", { size, meta: { from: "test", size } }, PATIENT);
      assert.equal(cid, blobCid(bytes).cid, `${size} bytes`);
      assert.deepEqual(await ask("reader", { stat: cid }, PATIENT), {
        size,
        visibility: "private",
        mime: "application/x-test",
        meta: { from: "test", size },
      });
      const back = await ask("reader", { open: cid }, PATIENT);
      assert.deepEqual([back["size"], back["count"]], [size, size]);
    }
    assert.deepEqual(await ask("reader", { open: `blake3:${"0".repeat(64)}` }, PATIENT), {
      code: "not_found",
      reason: "blob_unknown",
    });
  },
);

test("a slow reader holds the store up, not its memory", { skip }, async (t) => {
  const { ask, world } = await neighbourhood(t);
  // Far more than what a collector that takes its time leaves lying about.
  const size = 64 * MIB;
  const { cid = null } = await ask("reader", { size }, PATIENT);
  const pid = world.runtime.get("hearthnet/files")?.evidence?.pid;
  const most = (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
  const before = most();
  const back = await ask("reader", { open: cid, rest: 1 }, PATIENT);
  assert.equal(back["count"], size);
  t.diagnostic(
    `the plugin had at most ${before.toFixed(0)} MB before and ${most().toFixed(0)} MB after ${size / MIB} MiB were read`,
  );
  assert.ok(most() - before < size / MIB / 2, `it grew by ${most() - before} MB`);
});

test("more than was granted is refused in words, and what lay there before still does", { skip }, async (t) => {
  const { ask, world } = await neighbourhood(t, (grant) =>
    grant.permission === "fs.data" ? { ...grant, scope: { quotaMb: 32 } } : grant,
  );
  const { cid = null } = await ask("reader", { size: 2 * MIB }, PATIENT);
  assert.deepEqual(await ask("reader", { size: 16 * MIB, seed: 7 }, PATIENT), { code: "capacity_exceeded", reason: "disk_full" });
  const back: JsonObject = await ask("reader", { open: cid }, PATIENT);
  assert.equal(back["count"], 2 * MIB);
  const { cid: more = null } = await ask("reader", { size: 6 * MIB, seed: 120 }, PATIENT);
  assert.equal((await ask("reader", { stat: more }, PATIENT))["size"], 6 * MIB, "what was given up takes no room");
  assert.equal(world.runtime.get("hearthnet/files")?.state, "active", "the host had nothing to stop");
});
