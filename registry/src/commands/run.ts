import { runCommandLine, type Output } from "@hearthnet/host/command-line";
import type { Surroundings } from "./command.ts";
import { COMMANDS } from "./index.ts";

/** Runs one command line of a registry's keeper or a publisher. @returns exit code: 0 done, 1 refused or failed, 2 wrong usage */
export function runRegistryTool(argv: readonly string[], output: Output, surroundings: Surroundings): Promise<number> {
  const tool = {
    name: "hearthnet registry",
    title: "hearthnet registry: run or feed a registry of plugins",
    example: "hearthnet registry init --out registry",
    commands: COMMANDS,
  };
  return runCommandLine(argv, tool, { output, context: () => surroundings });
}
