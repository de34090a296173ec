import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { HnError, privateFolder, readFileBounded, writeFileAtomic } from "../../../src/foundation/index.ts";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "hn-files-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe("durable files", () => {
  it("replaces a file whole, with the wanted mode, and leaves nothing else behind", (t) => {
    const path = join(folder(t), "state.json");
    writeFileAtomic(path, "old");
    writeFileAtomic(path, Buffer.from("new"), { mode: 0o644 });
    assert.equal(readFileSync(path, "utf8"), "new");
    assert.equal(statSync(path).mode & 0o777, 0o644);
    writeFileAtomic(path, "private");
    assert.equal(statSync(path).mode & 0o077, 0);
    assert.deepEqual(readdirSync(join(path, "..")), ["state.json"]);
  });

  it("keeps the old bytes and cleans up when the write fails", (t) => {
    const dir = folder(t);
    const path = join(dir, "target");
    privateFolder(join(path, "occupied"));
    assert.throws(() => writeFileAtomic(path, "x"));
    assert.deepEqual(readdirSync(dir), ["target"]);
  });

  it("reads up to the limit and refuses one byte more", (t) => {
    const path = join(folder(t), "file");
    writeFileSync(path, "12345");
    assert.equal(Buffer.from(readFileBounded(path, 5)).toString(), "12345");
    assert.throws(
      () => readFileBounded(path, 4),
      (error) => HnError.isHnError(error) && error.reason === "too_large",
    );
  });

  it("refuses a pipe instead of waiting for it", { skip: process.platform === "win32" }, (t) => {
    const path = join(folder(t), "pipe");
    execFileSync("mkfifo", [path]);
    assert.throws(
      () => readFileBounded(path, 10),
      (error) => HnError.isHnError(error) && error.code === "bad_request",
    );
  });

  it("makes folders that only their owner may enter", (t) => {
    assert.equal(statSync(privateFolder(join(folder(t), "a", "b"))).mode & 0o077, 0);
  });
});
