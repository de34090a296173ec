/** Entry of the binary `hearthnet-registry`. @source marketplace §3, §4, §9 */
import { readFileSync } from "node:fs";
import { COMMANDS } from "./commands/index.ts";
import { runCommand } from "./commands/run.ts";

process.exitCode = await runCommand(process.argv.slice(2), {
  commands: COMMANDS,
  cwd: process.cwd(),
  env: process.env,
  now: Date.now(),
  stdin: () => readFileSync(0, "utf8"),
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
});
