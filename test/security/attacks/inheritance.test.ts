import assert from "node:assert/strict";
import { spawn, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { hasBubblewrap } from "../../../host/test/runtime/fixtures/world.ts";
import { reportAttack } from "./report.ts";

const LEAK = 251;

interface Inherited {
  state: string;
  leaked: number[];
  foreign: number[];
  environment: string[];
  cwd: string;
  umask: string;
}

/** Starts the daemon with a file open under a high number, where nothing closes it by chance, and whatever it writes open to all. */
async function startCarelessly(mode: "guarded" | "careless", folder: string): Promise<Inherited> {
  const secret = join(folder, "secret");
  const fd = openSync(secret, "r");
  const stdio: StdioOptions = Array.from({ length: LEAK + 1 }, (_, n) =>
    n === 1 ? "pipe" : n === 2 ? "inherit" : n === LEAK ? fd : "ignore",
  );
  const before = process.umask(0);
  const daemon = spawn(
    process.execPath,
    ["--no-warnings", "--conditions=hearthnet-source", join(import.meta.dirname, "inheritance-daemon.ts"), mode, secret],
    { stdio, env: { ...process.env, NODE_OPTIONS: "", TOKEN: "hunter2" }, timeout: 60_000 },
  );
  process.umask(before);
  closeSync(fd);
  let text = "";
  daemon.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(daemon, "close");
  return JSON.parse(text.trim().split("\n").at(-1) ?? "{}") as Inherited;
}

test("A24: a plugin inherits neither files, environment, folder nor file mask from whoever started the daemon; without the guard it does", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const folder = mkdtempSync(join(tmpdir(), "hn-inherit-"));
  try {
    writeFileSync(join(folder, "secret"), "hunter2");
    const control = await startCarelessly("careless", folder);
    assert.equal(control.state, "active");
    assert.deepEqual(control.leaked, [LEAK], "the control must show the leak");
    const guarded = await startCarelessly("guarded", folder);
    assert.equal(guarded.state, "active");
    assert.deepEqual(guarded.leaked, []);
    assert.deepEqual(guarded.foreign, []);
    assert.deepEqual(
      guarded.environment.map((entry) => entry.split("=")[0] ?? "").toSorted((a, b) => (a < b ? -1 : 1)),
      ["HOME", "MALLOC_ARENA_MAX", "PWD"],
    );
    assert.equal(guarded.cwd, "/plugin");
    assert.equal(guarded.umask, "0077");
    reportAttack({
      row: "A24",
      title: "inherit files, environment, folder, file mask of whoever started the daemon",
      confined: "none",
      control: `file ${control.leaked.join()} of the daemon's parent`,
      record: "-",
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
