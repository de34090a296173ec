import type { Command, OptionTable, Tool } from "./command.ts";
import { JSON_OPTION } from "./parse.ts";

/** Every command in one line. */
export function overview<Context>({ name, title, example, commands, globals = {} }: Tool<Context>): string {
  const heads = commands.map((command) => `${command.name.join(" ")} ${command.args}`);
  const width = Math.max(...heads.map((head) => head.length));
  const options = Object.entries({ ...globals, ...JSON_OPTION }).map(([option, row]) => `[${spelling(option, row)}]`);
  return [
    title,
    "",
    `Usage: ${name} ${options.join(" ")} COMMAND`,
    "",
    ...commands.map(({ summary }, n) => `  ${(heads[n] ?? "").padEnd(width)}  ${summary}`),
    "",
    `Each command explains itself with --help. Example: ${example}`,
  ].join("\n");
}

/** What a command does, how it is called and each of its options. */
export function helpFor<Context>(tool: Tool<Context>, command: Command<Context>): string {
  const options: OptionTable = { ...command.options, ...tool.globals, ...JSON_OPTION };
  return [
    command.summary,
    "",
    `Usage: ${[tool.name, ...command.name, command.args].join(" ").trim()} [options]`,
    "",
    ...Object.entries(options).map(([name, option]) => `  ${spelling(name, option).padEnd(26)}${option.help}`),
    "",
    `Example: ${command.example}`,
  ].join("\n");
}

function spelling(name: string, { type, value }: OptionTable[string]): string {
  return type === "string" ? `--${name} ${value ?? "VALUE"}` : `--${name}`;
}
