import { parseArgs } from "node:util";
import { type Command, isHandedOn, type OptionTable, type OptionValues, type Tool } from "./command.ts";
import { firstLine, UsageError } from "./refusal.ts";

/** Of every command of every tool. */
export const JSON_OPTION: OptionTable = { json: { type: "boolean", help: "print one JSON value and nothing else" } };

const HELP_OPTION: OptionTable = { help: { type: "boolean", help: "explain the command" } };

/** Whether a switch was given; after `--` nothing is an option any more. */
export function isGiven(argv: readonly string[], option: string): boolean {
  const end = argv.indexOf("--");
  return (end === -1 ? argv : argv.slice(0, end)).includes(option);
}

/**
 * The command that the words name, the longest name first, and what is left for it. Global options may stand before or after the words.
 * @returns null when only options were given
 * @throws UsageError for words that name no command
 */
export function findCommand<Context>(
  argv: readonly string[],
  { commands, globals = {} }: Pick<Tool<Context>, "commands" | "globals">,
): { command: Command<Context>; rest: string[] } | null {
  const places: number[] = [];
  for (let at = 0; at < argv.length && argv[at] !== "--"; at++) {
    const word = argv[at] ?? "";
    if (!word.startsWith("-")) places.push(at);
    else if (places.length > 0) break;
    else if (globals[word.slice(2)]?.type === "string") at++;
  }
  if (places.length === 0) return null;
  const words = places.map((at) => argv[at] ?? "");
  const byLength = commands.toSorted((a, b) => b.name.length - a.name.length);
  const command = byLength.find(({ name }) => name.every((word, n) => word === words[n]));
  if (command === undefined) throw new UsageError(`There is no command "${words.slice(0, byLength[0]?.name.length).join(" ")}".`);
  const own = new Set(places.slice(0, command.name.length));
  return { command, rest: argv.filter((_word, at) => !own.has(at)) };
}

/** @throws UsageError unknown option · argument missing or too many */
export function parse<Context>(
  tool: Tool<Context>,
  command: Command<Context>,
  rest: string[],
): { args: string[]; options: OptionValues } {
  if (isHandedOn(command)) return { args: rest, options: {} };
  const table = { ...command.options, ...tool.globals, ...JSON_OPTION, ...HELP_OPTION };
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
  );
  let parsed: { values: OptionValues; positionals: string[] };
  try {
    parsed = parseArgs({ args: rest, options, allowPositionals: true, strict: true }) as typeof parsed;
  } catch (error) {
    // Node adds a hint on words that begin with a dash, which fits none of our commands.
    const [fault = ""] = firstLine(error).split(/\.(?: |$)/);
    throw new UsageError(`${fault}. See: ${tool.name} ${command.name.join(" ")} --help`);
  }
  checkCount(command, parsed.positionals);
  return { args: parsed.positionals, options: parsed.values };
}

function checkCount({ args, example }: Pick<Command<never>, "args" | "example">, given: string[]): void {
  const wanted = args.split(" ").filter((word) => word !== "");
  const required = wanted.filter((word) => !word.startsWith("[")).length;
  if (given.length < required) throw new UsageError(`${wanted[given.length] ?? ""} is missing. Example: ${example}`);
  if (given.length > wanted.length && !args.includes("…"))
    throw new UsageError(`"${given[wanted.length] ?? ""}" is one argument too many. Example: ${example}`);
}
