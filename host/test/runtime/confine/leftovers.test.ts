import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { endLeftovers } from "../../../src/runtime/confine/leftovers.ts";
import { childrenOf } from "../../../src/runtime/confine/process-tree.ts";
import { until } from "../../support/until.ts";

const FOUND = spawnSync("sh", ["-c", "command -v bwrap"], { encoding: "utf8" }).stdout.trim();
const ARGUMENTS = ["--unshare-pid", "--unshare-net", "--die-with-parent", "--ro-bind", "/", "/", "--", "/bin/sleep", "40"];
const ATTEMPTS = 100;
const SETTLED_MS = 300;

function filterIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "hn-leftovers-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "seccomp.bpf");
  writeFileSync(path, "");
  return path;
}

/** What it runs; undefined when it is over. */
function nameOf(pid: number): string | undefined {
  try {
    return /^\d+ \((.*)\) [^ZX]/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1];
  } catch {
    return undefined;
  }
}

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
    if (inner === undefined) continue;
    if (await waits(inner)) return inner;
    // It had got further, and goes on without bwrap until its daemon's end of the line is missed.
    if (nameOf(inner) !== undefined) process.kill(inner, "SIGKILL");
  }
  throw new Error(`In ${ATTEMPTS} attempts nobody was left behind.`);
}

/** Still alone when it would long have started the program, or be over. */
async function waits(pid: number): Promise<boolean> {
  const from = performance.now();
  const isAlone = (): boolean => nameOf(pid) === "bwrap" && childrenOf(pid).length === 0;
  while (performance.now() - from < SETTLED_MS) {
    if (!isAlone()) return false;
    await new Promise(setImmediate);
  }
  return true;
}

test(
  "a sandbox that a killed daemon left behind half made is ended at the next start",
  { skip: FOUND === "" ? "needs bubblewrap" : false },
  async (t) => {
    const own = filterIn(t);
    const node = { seccompFile: own, dataDir: dirname(own) };
    let ended = 0;
    // Now and then one ends by itself meanwhile.
    for (let n = 0; n < 5 && ended === 0; n += 1) {
      const ours = await cutOff(own);
      ended = endLeftovers(node);
      await until("it is gone", () => nameOf(ours) === undefined);
    }
    assert.equal(ended, 1);
  },
);

test(
  "one that goes on without its daemon is ended too, and nobody else's",
  { skip: FOUND === "" ? "needs bubblewrap" : false },
  async (t) => {
    const [own, foreign] = [filterIn(t), filterIn(t)];
    const begin = (filter: string): number => {
      const shown = ["--tmpfs", "/mnt", "--ro-bind", filter, "/mnt/package"];
      const child = spawn(FOUND, ["--unshare-pid", "--ro-bind", "/", "/", ...shown, "--", "/bin/sleep", "40"], {
        stdio: "ignore",
      });
      t.after(() => child.kill("SIGKILL"));
      return child.pid ?? 0;
    };
    const [ours, theirs] = [begin(own), begin(foreign)];
    await until("both run", () => [ours, theirs].every((pid) => childrenOf(pid).flatMap(childrenOf).length > 0));
    assert.ok(endLeftovers({ seccompFile: own, dataDir: dirname(own) }) > 0);
    await until("it is gone", () => nameOf(ours) === undefined);
    assert.equal(nameOf(theirs), "bwrap");
  },
);
