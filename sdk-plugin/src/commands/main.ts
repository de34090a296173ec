/** Entry of the binary `hearthnet-plugin`: what authors run, without a daemon. @source plugin-platform §9 */
import { buffer } from "node:stream/consumers";
import { TERMINAL } from "@hearthnet/host/command-line";
import { runAuthorTool } from "./run.ts";

process.exitCode = await runAuthorTool(process.argv.slice(2), TERMINAL, {
  cwd: process.cwd(),
  env: process.env,
  stdin: () => buffer(process.stdin),
});
