import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { endLeftovers } from "../../../src/runtime/confine/leftovers.ts";
import { childrenOf } from "../../../src/runtime/confine/process-tree.ts";
import { until } from "../../support/until.ts";

const FOUND = spawnSync("sh", ["-c", "command -v bwrap"], { encoding: "utf8" }).stdout.trim();
const ARGUMENTS = ["--unshare-pid", "--unshare-net", "--die-with-parent", "--ro-bind", "/", "/", "--", "/bin/sleep", "40"];
const ATTEMPTS = 100;

function filterIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "hn-leftovers-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "seccomp.bpf");
  writeFileSync(path, "");
  return path;
}

const isAlive = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
};

/** As a daemon that is killed leaves it behind. @returns the process that waits for ever */
async function cutOff(filter: string): Promise<number> {
  for (let n = 0; n < ATTEMPTS; n += 1) {
    const fd = openSync(filter, "r");
    const outer = spawn(FOUND, ARGUMENTS, { stdio: ["ignore", "ignore", "ignore", "ignore", fd] });
    closeSync(fd);
    const gone = once(outer, "exit");
    let inner: number | undefined;
    while (inner === undefined && outer.exitCode === null) [inner] = childrenOf(outer.pid ?? 0);
    outer.kill("SIGKILL");
    await gone;
    // Whoever has got further follows bwrap.
    if (inner !== undefined && (await staysFor(inner, 20))) return inner;
  }
  throw new Error(`In ${ATTEMPTS} attempts nobody was left behind.`);
}

async function staysFor(pid: number, looks: number): Promise<boolean> {
  for (let n = 0; n < looks; n += 1) {
    if (!isAlive(pid)) return false;
    await new Promise(setImmediate);
  }
  return isAlive(pid);
}

test(
  "a sandbox that a killed daemon left behind half made is ended at the next start, and nobody else's",
  { skip: FOUND === "" ? "needs bubblewrap" : false },
  async (t) => {
    const [own, foreign] = [filterIn(t), filterIn(t)];
    const [ours, theirs] = [await cutOff(own), await cutOff(foreign)];
    t.after(() => isAlive(theirs) && process.kill(theirs, "SIGKILL"));
    assert.equal(endLeftovers(own), 1);
    await until("it is gone", () => !isAlive(ours));
    assert.ok(isAlive(theirs), "the sandbox of another node stays");
    assert.equal(endLeftovers(own), 0);
  },
);
