import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import type { NodePaths, SandboxTools } from "../../../src/runtime/confine/argv.ts";
import { spawnSandbox } from "../../../src/runtime/confine/launch.ts";
import { until } from "../../support/until.ts";

const FOUND = spawnSync("sh", ["-c", "command -v bwrap"], { encoding: "utf8" }).stdout.trim();
const ARGUMENTS = [
  "--unshare-pid",
  "--unshare-net",
  "--die-with-parent",
  "--new-session",
  "--ro-bind",
  "/",
  "/",
  "--",
  "/bin/sleep",
  "40",
];
/** Long enough for bwrap to be anywhere in its start. */
const MOMENTS_MS = 12;

test(
  "what is killed while its sandbox is being set up leaves nobody behind",
  { skip: FOUND === "" ? "needs bubblewrap" : false },
  async () => {
    for (let times = 0; times < 4 * MOMENTS_MS; times += 1) {
      const parts = { tools: { bwrap: FOUND } as SandboxTools, seccompFile: "/dev/null" };
      const launched = spawnSandbox(parts, ARGUMENTS, {} as NodePaths);
      let closed = false;
      launched.stdout.once("close", () => (closed = true)).resume();
      const from = performance.now();
      while (performance.now() - from < times % MOMENTS_MS) await new Promise(setImmediate);
      launched.kill();
      try {
        assert.equal((await launched.exited).signal, "SIGKILL");
        await until(`nobody holds its output, killed after ${times % MOMENTS_MS} ms`, () => closed);
      } finally {
        for (const stream of [launched.stdout, launched.stderr, launched.link]) stream.destroy();
      }
    }
  },
);
