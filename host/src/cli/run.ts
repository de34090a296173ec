import { resolve } from "node:path";
import { runCommandLine, textOf } from "../command-line/index.ts";
import { OperatorClient } from "./client.ts";
import type { CliHost, Io } from "./command.ts";
import { COMMANDS } from "./commands/index.ts";

/**
 * Runs one command line of the owner.
 * @returns exit code: 0 done, 1 refused or failed, 2 wrong usage
 * @source architecture §5
 */
export function runCli(argv: readonly string[], { io, host }: { io: Io; host: CliHost }): Promise<number> {
  const tool = {
    name: "hearthnet",
    title: `HearthNet ${host.version}: servers of neighbours that keep working when the internet is gone.`,
    example: "hearthnet up",
    commands: COMMANDS,
    globals: { data: { type: "string", value: "DIR", help: "data folder (env HEARTHNET_DATA)" } },
  } as const;
  return runCommandLine(argv, tool, {
    output: io,
    context: (options) => {
      const dataDir = resolve(io.cwd, textOf({ options }, "data", io.env["HEARTHNET_DATA"] ?? host.defaultDataDir));
      return { dataDir, io, host, client: () => new OperatorClient(dataDir) };
    },
  });
}
