import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import type { Grant, JsonValue } from "../../../src/contract/index.ts";
import { checkMounts, listFolders } from "../../../src/runtime/data/index.ts";
import { isScopeWithin } from "../../../src/runtime/permission/index.ts";
import { GRANTS, ID, openUpgradeWorld, SAY, versioned } from "../fixtures/upgrade-world.ts";
import { allow, hasBubblewrap, temporaryFolder } from "../fixtures/world.ts";

let folder: string;
let dataDir: string;
before(() => {
  folder = temporaryFolder();
  dataDir = join(folder, "node", "data");
  for (const path of [join(dataDir, "runtime"), join(folder, "photos")]) mkdirSync(path, { recursive: true });
  writeFileSync(join(folder, "file"), "");
  symlinkSync("/etc", join(folder, "link"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const lend = (path: JsonValue, mode = "ro"): Grant => allow("fs.mount", { name: "photos", mode, path });
const refusal = (path: JsonValue): string => {
  try {
    checkMounts([lend(path)], { dataDir });
    return "allowed";
  } catch (error) {
    assert.equal((error as { reason: string }).reason, "mount_refused");
    return (error as Error).message;
  }
};

test("a folder can be lent that exists, is named as it is, and holds nothing of the system or of the node (§3.1 fs.mount)", () => {
  assert.equal(refusal(join(folder, "photos")), "allowed");
  for (const [path, why] of [
    ["/", /whole machine/],
    ["photos", /whole path/],
    [`${folder}/photos/../file`, /whole path/],
    [`${folder}/photos/`, /whole path/],
    [join(folder, "none"), /is not there/],
    [join(folder, "file"), /is no folder/],
    [join(folder, "link"), /behind a link. Name the folder itself: \/etc/],
    [join(folder, "link", "ssl"), /behind a link|is not there/],
    ["/proc", /belongs to the system/],
    ["/proc/self", /behind a link|belongs to the system/],
    ["/dev/shm", /belongs to the system|behind a link|is not there/],
    [dataDir, /node's own files/],
    [join(dataDir, "runtime"), /node's own files/],
    [join(folder, "node"), /node's own files/],
    [folder, /node's own files/],
    [7, /named by its path/],
    ["/a\0b", /named by its path/],
  ] as const)
    assert.match(refusal(path), why, String(path));
});

test("the folder is the operator's choice: what is asked for names none, and another folder is another right", () => {
  const asked = { name: "photos", mode: "rw" };
  assert.ok(isScopeWithin({ ...asked, path: "/srv/a" }, asked));
  assert.ok(isScopeWithin({ ...asked, mode: "ro", path: "/srv/a" }, asked));
  assert.ok(!isScopeWithin({ ...asked, path: "/srv/a" }, { ...asked, path: "/srv/b" }));
  assert.ok(!isScopeWithin({ ...asked, path: "/srv/a" }, { ...asked, mode: "ro" }));
});

test("a plugin sees the folder it was lent, as it was lent, and no other; one that a link has taken the place of is not mounted (§1.3)", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const world = await openUpgradeWorld();
  t.after(() => world.close());
  const photos = join(world.folder, "photos");
  mkdirSync(photos, { mode: 0o777 });
  writeFileSync(join(photos, "cat"), "meow", { mode: 0o644 });
  const main = `
    const fs = require("node:fs");
    const tried = (act) => { try { return act(); } catch (error) { return error.code; } };
    exports.capabilities["ext.dev.say@1.0"] = async (req, ctx) => ({ output: {
      mounts: ctx.facts.mounts ?? null,
      read: tried(() => fs.readFileSync("/mnt/photos/cat", "utf8")),
      write: tried(() => fs.writeFileSync("/mnt/photos/cat", "woof") ?? "written"),
    } });`;
  const { runtime } = world;
  const mount = (path: string, mode: string): Grant => allow("fs.mount", { name: "photos", mode, path });
  await runtime.stage(versioned(world.folder, "1.0.0", { main }), [...GRANTS, allow("fs.mount", { name: "photos", mode: "rw" })]);
  assert.deepEqual({ ...(await world.call(SAY)) }, { mounts: null, read: "ERR_ACCESS_DENIED", write: "ERR_ACCESS_DENIED" });
  await runtime.setGrants(ID, [...GRANTS, mount(photos, "ro")]);
  const seen = await world.call(SAY);
  assert.deepEqual(
    [{ ...(seen["mounts"] as object) }, seen["read"], seen["write"]],
    [{ photos: "/mnt/photos" }, "meow", "ERR_ACCESS_DENIED"],
  );
  assert.equal(readFileSync(join(photos, "cat"), "utf8"), "meow");
  await assert.rejects(runtime.setGrants(ID, [...GRANTS, mount("/", "ro")]), { reason: "mount_refused" });
  assert.equal(runtime.grants(ID).at(-1)?.scope["path"], photos, "nothing has changed");
  rmSync(photos, { recursive: true });
  symlinkSync("/etc", photos);
  await runtime.restart(ID);
  assert.deepEqual([runtime.get(ID)?.state, runtime.get(ID)?.reason?.reason], ["blocked_by_policy", "mount_refused"]);
});

test("who chooses a folder to lend sees folders alone, never what lies behind a link, and what of them can be lent (§3.1 fs.mount)", async () => {
  const list = await listFolders(folder, { dataDir });
  assert.deepEqual(list, { path: folder, parent: dirname(folder), lendable: false, folders: ["node", "photos"], more: false });
  assert.equal((await listFolders(join(folder, "photos"), { dataDir })).lendable, true);
  const root = await listFolders("/", { dataDir });
  assert.deepEqual([root.parent, root.lendable], [null, false]);
  for (const name of ["proc", "sys", "dev"]) assert.ok(!root.folders.includes(name), `${name} is shown`);
  for (const path of [
    join(folder, "link"),
    join(folder, "link", "ssl"),
    join(folder, "file"),
    join(folder, "none"),
    "/proc",
    "/proc/self",
    `${folder}/../etc`,
  ])
    await assert.rejects(listFolders(path, { dataDir }), { code: "bad_request", reason: "mount_refused" }, path);
});

test("a folder with more than anybody can read is cut off, and says so", async () => {
  const crowded = join(folder, "crowded");
  for (let n = 0; n < 510; n += 1) mkdirSync(join(crowded, `folder-${n}`), { recursive: true });
  const list = await listFolders(crowded, { dataDir });
  assert.deepEqual([list.folders.length, list.more], [500, true]);
});
