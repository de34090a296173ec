import { runCommandLine, type Output } from "@hearthnet/host/command-line";
import type { Surroundings } from "./command.ts";
import { COMMANDS } from "./index.ts";

/** Runs one command line of an author. @returns exit code: 0 done, 1 refused or failed, 2 wrong usage */
export function runAuthorTool(argv: readonly string[], output: Output, surroundings: Surroundings): Promise<number> {
  const tool = {
    name: "hearthnet plugin",
    title: "hearthnet plugin: for authors of plugins",
    example: "hearthnet plugin create acme/hello",
    commands: COMMANDS,
  };
  return runCommandLine(argv, tool, { output, context: () => surroundings });
}
