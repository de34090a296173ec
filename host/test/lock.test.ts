import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { HnError } from "../src/foundation/index.ts";
import { lockDataFolder } from "../src/lock.ts";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "hearthnet-lock-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function isLocked(error: unknown): boolean {
  return HnError.isHnError(error) && error.reason === "data_locked" && error.message.includes(String(process.pid));
}

it("admits one owner, names it to the second, and is free after release", (t) => {
  const dir = folder(t);
  const release = lockDataFolder(dir);
  assert.throws(() => lockDataFolder(dir), isLocked);
  release();
  assert.ok(!existsSync(join(dir, "node.pid")));
  lockDataFolder(dir)();
});

it("takes over from a process that was killed", async (t) => {
  const dir = folder(t);
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  await once(child, "spawn");
  const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8");
  const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  writeFileSync(join(dir, "node.pid"), `${child.pid} ${start}`);
  assert.throws(() => lockDataFolder(dir), /already running/);
  child.kill("SIGKILL");
  await once(child, "exit");
  lockDataFolder(dir)();
});

it("takes over when the number now belongs to another process", (t) => {
  const dir = folder(t);
  // Our own pid, but not our start: the owner died and the system gave its number away.
  writeFileSync(join(dir, "node.pid"), `${process.pid} 1`);
  const release = lockDataFolder(dir);
  assert.notEqual(readFileSync(join(dir, "node.pid"), "utf8"), `${process.pid} 1`);
  release();
});

it("takes over from a file that says nothing", (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, "node.pid"), "");
  lockDataFolder(dir)();
});

it("leaves another owner's file alone when it lets go", (t) => {
  const dir = folder(t);
  const release = lockDataFolder(dir);
  writeFileSync(join(dir, "node.pid"), "1 1");
  release();
  assert.equal(readFileSync(join(dir, "node.pid"), "utf8"), "1 1");
});
