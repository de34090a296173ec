/** Entry of the binary `hearthnet-registry`. @source marketplace §3, §4, §9 */
import { readFileSync } from "node:fs";
import { TERMINAL } from "@hearthnet/host/command-line";
import { runRegistryTool } from "./commands/run.ts";

process.exitCode = await runRegistryTool(process.argv.slice(2), TERMINAL, {
  cwd: process.cwd(),
  env: process.env,
  now: Date.now(),
  stdin: () => readFileSync(0, "utf8"),
});
