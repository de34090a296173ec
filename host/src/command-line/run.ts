import { isHandedOn, type OptionValues, type Output, type Tool } from "./command.ts";
import { helpFor, overview } from "./help.ts";
import { findCommand, isGiven, parse } from "./parse.ts";
import { explain, UsageError } from "./refusal.ts";

/**
 * Runs one command line.
 * @param o.context  what every command of the tool needs besides, made when the options are known
 * @returns exit code: 0 done, 1 refused or failed, 2 wrong usage
 */
export async function runCommandLine<Context>(
  argv: readonly string[],
  tool: Tool<Context>,
  o: { output: Output; context: (options: OptionValues) => Context },
): Promise<number> {
  const { output } = o;
  const json = isGiven(argv, "--json");
  try {
    const found = findCommand(argv, tool);
    if (found === null) {
      output.out(overview(tool));
      return 0;
    }
    const { command, rest } = found;
    if (isGiven(rest, "--help") && !isHandedOn(command)) {
      output.out(helpFor(tool, command));
      return 0;
    }
    const { args, options } = parse(tool, command, rest);
    const print = (value: unknown, text: string): void => output.out(json ? JSON.stringify(value) : text);
    return (await command.run({ ...o.context(options), args, options, json, print })) ?? 0;
  } catch (error) {
    const said = explain(error, tool.name);
    if (json) output.out(JSON.stringify(said.toLocal()));
    else
      output.err(`${said.message} (${said.reason === undefined ? said.code : `${said.code}, ${said.reason}`})\n${said.action}`);
    return error instanceof UsageError ? 2 : 1;
  }
}
