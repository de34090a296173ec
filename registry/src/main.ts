/** Entry of the binary `hearthnet-registry`. @source marketplace §3, §4, §9 */
import { COMMANDS } from "./commands/index.ts";
import { runCommand } from "./commands/run.ts";

process.exitCode = await runCommand(process.argv.slice(2), {
  commands: COMMANDS,
  cwd: process.cwd(),
  now: Date.now(),
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
});
