import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { createTestHost, runContract, type ContractRow } from "../testing/index.ts";
import type { Command } from "./command.ts";
import { openProject } from "./project.ts";

/** @source plugin-platform §9 `test` */
export const testCommand: Command = {
  name: ["test"],
  args: "[DIR]",
  summary: "run the plugin's tests, then what every plugin promises, on the built package in its sandbox",
  example: "hearthnet plugin test",
  run: async (invocation) => {
    const { dir } = openProject(invocation);
    const files = globSync("test/**/*.test.ts", { cwd: dir }).sort();
    const own =
      files.length === 0
        ? 0
        : (spawnSync(process.execPath, ["--no-warnings", "--test", ...files], { cwd: dir, stdio: ["ignore", 2, 2] }).status ?? 1);
    const host = await createTestHost({ dir });
    let rows: ContractRow[];
    const label = host.label();
    try {
      rows = await runContract(host);
    } finally {
      await host.close();
    }
    const broken = rows.filter(({ kept }) => !kept).length;
    invocation.print(
      {
        ok: own === 0 && broken === 0,
        own_tests: files.length === 0 ? "none" : own === 0 ? "passed" : "failed",
        label,
        contract: rows,
      },
      [
        ...rows.map(({ promise, kept, detail }) => `${kept ? "kept  " : "BROKEN"}  ${promise}: ${detail}`),
        `own tests ${files.length === 0 ? "none" : own === 0 ? "passed" : "failed"}; ${rows.length - broken} of ${rows.length} promises kept, confinement ${label ?? "none"}`,
      ].join("\n"),
    );
    return own === 0 && broken === 0 ? 0 : 1;
  },
};
