import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Refusal } from "@hearthnet/host/command-line";
import { createTestHost, MODE_VARIABLE, runContract, type ContractRow, type Mode } from "../testing/index.ts";
import type { Command } from "./command.ts";
import { openProject } from "./project.ts";

const MODES: readonly Mode[] = ["inproc", "confined"];

interface Run {
  mode: Mode;
  /** Why nothing was run; null when it was. */
  skipped: string | null;
  label: string | null;
  own_tests: "passed" | "failed" | "none";
  contract: ContractRow[];
}

/** @source plugin-platform §4.7, §9 `test` */
export const testCommand: Command = {
  name: ["test"],
  args: "[DIR]",
  summary:
    "run the plugin's tests, then what every plugin promises, on the built package: in the test's own process and in its sandbox",
  example: "hearthnet plugin test",
  run: async (invocation) => {
    const { dir } = openProject(invocation);
    const files = globSync("test/**/*.test.ts", { cwd: dir }).sort();
    const runs: Run[] = [];
    for (const mode of MODES) runs.push(await runIn(mode, { dir, files }));
    const ok = runs.every(isGood);
    invocation.print({ ok, runs }, runs.flatMap(describe).join("\n"));
    return ok ? 0 : 1;
  },
};

async function runIn(mode: Mode, o: { dir: string; files: string[] }): Promise<Run> {
  const host = await createTestHost({ dir: o.dir, mode });
  const label = host.label();
  try {
    // The seat belt withholds less than a node does; what passes under it proves nothing about a sandbox.
    if (host.manifest.kind === "service" && mode === "confined" && label?.startsWith("os") !== true)
      return { mode, skipped: "needs bubblewrap", label, own_tests: "none", contract: [] };
    const contract = await runContract(host);
    return { mode, skipped: null, label, own_tests: ownTests(mode, o), contract };
  } finally {
    await host.close();
  }
}

function ownTests(mode: Mode, { dir, files }: { dir: string; files: string[] }): Run["own_tests"] {
  if (files.length === 0) return "none";
  const { NODE_TEST_CONTEXT: _outer, ...env } = process.env;
  const { status } = spawnSync(
    process.execPath,
    ["--no-warnings", "--enable-source-maps", "--import", findHook(), "--test", ...files],
    { cwd: dir, stdio: ["ignore", 2, 2], env: { ...env, [MODE_VARIABLE]: mode } },
  );
  return status === 0 ? "passed" : "failed";
}

/** @throws Refusal no_hook */
function findHook(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let at = start; at !== dirname(at); at = dirname(at)) {
    const hook = join(at, "bin", "own-sdk.mjs");
    if (existsSync(hook)) return pathToFileURL(hook).href;
  }
  throw new Refusal("A part of the SDK is missing from this installation.", {
    reason: "no_hook",
    action: "Install the SDK anew.",
  });
}

function isGood({ own_tests, contract }: Run): boolean {
  return own_tests !== "failed" && contract.every(({ kept }) => kept);
}

function describe({ mode, skipped, label, own_tests, contract }: Run): string[] {
  if (skipped !== null) return [`${mode}: skipped: ${skipped}`];
  const kept = contract.filter((row) => row.kept).length;
  return [
    ...contract.map((row) => `${mode.padEnd(8)}  ${row.kept ? "kept  " : "BROKEN"}  ${row.promise}: ${row.detail}`),
    `${mode}: own tests ${own_tests}; ${kept} of ${contract.length} promises kept, confinement ${label ?? "none"}`,
  ];
}
