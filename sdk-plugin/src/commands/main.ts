/** Entry of the binary `hearthnet-plugin`: what authors run, without a daemon. @source plugin-platform §9 */
import { COMMANDS } from "./index.ts";
import { runCommand } from "./run.ts";

process.exitCode = await runCommand(process.argv.slice(2), {
  commands: COMMANDS,
  cwd: process.cwd(),
  env: process.env,
  output: {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
  },
  stdin: async () => {
    const parts: Buffer[] = [];
    for await (const part of process.stdin) parts.push(part as Buffer);
    return Buffer.concat(parts);
  },
});
