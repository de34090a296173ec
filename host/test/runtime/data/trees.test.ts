import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";
import { inspectMachine, NOBODY } from "../../../src/runtime/confine/index.ts";
import { Trees } from "../../../src/runtime/data/index.ts";
import { hasBubblewrap, temporaryFolder } from "../fixtures/world.ts";

const confined = hasBubblewrap();
const asRoot = process.getuid?.() === 0;
let folder: string;
let trees: Trees;
before(async () => {
  folder = temporaryFolder();
  const runDir = join(folder, "run");
  mkdirSync(join(runDir, "canary"), { recursive: true });
  const machine = await inspectMachine({ nodePath: process.execPath, runnerPath: import.meta.filename, runDir });
  if (confined) trees = new Trees({ machine, runDir, confined });
});
after(() => rmSync(folder, { recursive: true, force: true }));
const skip = (t: TestContext): boolean => {
  if (!confined) t.skip("needs bubblewrap");
  return !confined;
};

let count = 0;
/** A data folder as a plugin owns it. */
function place(fill: (dir: string) => void = () => {}): string {
  const dir = join(folder, `data-${(count += 1)}`);
  mkdirSync(dir, { mode: 0o700 });
  fill(dir);
  if (asRoot) execFileSync("chown", ["-hR", `${NOBODY}:${NOBODY}`, dir]);
  return dir;
}

const bait = (): string => {
  const path = join(folder, "outside");
  writeFileSync(path, "untouched");
  return path;
};

test("a copy has every file and directory, and no link, socket or device (§6.4.2)", async (t) => {
  if (skip(t)) return;
  const outside = bait();
  const from = place((dir) => {
    mkdirSync(join(dir, "a", "b"), { recursive: true });
    writeFileSync(join(dir, "a", "b", "file"), "content");
    writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0xff, 0xfe])]), "named in bytes");
    symlinkSync(outside, join(dir, "link"));
    symlinkSync("/etc", join(dir, "folder-link"));
    linkSync(join(dir, "a", "b", "file"), join(dir, "twin"));
    execFileSync("mkfifo", [join(dir, "pipe")]);
  });
  const to = place();
  const done = await trees.copy(from, to, { maxBytes: 1000 });
  assert.deepEqual(done, { bytes: 28, files: 3, skipped: 3 });
  assert.equal(readFileSync(join(to, "a", "b", "file"), "utf8"), "content");
  assert.equal(statSync(join(to, "twin")).nlink, 1, "a copy is no second name of the original");
  assert.deepEqual(
    readdirSync(to, "buffer")
      .map((name) => name.toString("latin1"))
      .toSorted(),
    ["a", "twin", "\u00ff\u00fe"],
  );
  if (asRoot) assert.equal(statSync(join(to, "a", "b", "file")).uid, NOBODY);
});

test("a copy that would be larger than allowed, or that cannot be whole, is refused", async (t) => {
  if (skip(t)) return;
  const sparse = place((dir) => {
    writeFileSync(join(dir, "holes"), "");
    truncateSync(join(dir, "holes"), 2 ** 40);
  });
  await assert.rejects(trees.copy(sparse, place(), { maxBytes: 2 ** 20 }), /more than 1048576 bytes/);
  const shut = place((dir) => mkdirSync(join(dir, "shut"), { mode: 0o000 }));
  await assert.rejects(trees.copy(shut, place(), { maxBytes: 1000 }), /EACCES/);
  await trees.erase(shut);
});

test("measuring counts what a copy would take, and says when it could not see everything", async (t) => {
  if (skip(t)) return;
  const dir = place((at) => {
    mkdirSync(join(at, "sub"));
    writeFileSync(join(at, "sub", "large"), Buffer.alloc(10_000));
    linkSync(join(at, "sub", "large"), join(at, "again"));
    writeFileSync(join(at, "empty"), "");
    symlinkSync("/", join(at, "root"));
  });
  // Two names of three blocks, one block each for the directory, the empty file and the link.
  assert.deepEqual(await trees.measure(dir), { bytes: 9 * 4096, files: 5, unreadable: 0 });
  chmodSync(join(dir, "sub"), 0o000);
  if (asRoot) chownSync(join(dir, "sub"), NOBODY, NOBODY);
  assert.equal((await trees.measure(dir)).unreadable, 1);
  await trees.erase(dir);
});

test("erasing leaves nothing inside and touches nothing outside, however deep and however closed it is (A03)", async (t) => {
  if (skip(t)) return;
  const outside = bait();
  const dir = place((at) => {
    symlinkSync(outside, join(at, "link"));
    symlinkSync(folder, join(at, "up"));
    mkdirSync(join(at, "shut"));
    writeFileSync(join(at, "shut", "file"), "");
    chmodSync(join(at, "shut"), 0o000);
    // Deeper than one path may be long; only step by step can such a tree be made.
    const script = `for (let n = 0; n < 60; n += 1) { fs.mkdirSync("d".repeat(200)); process.chdir("d".repeat(200)); } fs.writeFileSync("deep", "")`;
    execFileSync(process.execPath, ["-e", script], { cwd: at });
  });
  await trees.erase(dir);
  assert.deepEqual(readdirSync(dir), []);
  assert.equal(readFileSync(outside, "utf8"), "untouched");
  assert.ok(existsSync(folder) && !lstatSync(folder).isSymbolicLink());
});

test("a tree too deep to be measured is said to be unreadable, so that nothing hides there", async (t) => {
  if (skip(t)) return;
  const dir = place((at) => {
    const script = `for (let n = 0; n < 30; n += 1) { fs.mkdirSync("d".repeat(200)); process.chdir("d".repeat(200)); } fs.writeFileSync("deep", "")`;
    execFileSync(process.execPath, ["-e", script], { cwd: at });
  });
  assert.ok((await trees.measure(dir)).unreadable > 0);
  await trees.erase(dir);
});
