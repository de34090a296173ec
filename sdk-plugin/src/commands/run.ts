import { parseArgs, type ParseArgsConfig } from "node:util";
import { HnError } from "../error.ts";
import { AuthorError, type Command, type Invocation, type Output, UsageError } from "./command.ts";

export interface RunOptions {
  commands: readonly Command[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  output: Output;
  stdin: () => Promise<Buffer>;
}

/**
 * Runs one command line.
 * @returns exit code: 0 done, 1 refused or failed, 2 wrong usage
 */
export async function runCommand(argv: readonly string[], o: RunOptions): Promise<number> {
  const json = argv.includes("--json");
  const [name, ...rest] = argv;
  try {
    const command = o.commands.find((candidate) => candidate.name === name);
    if (command === undefined) {
      if (name !== undefined && !name.startsWith("-")) throw new UsageError(`There is no command "${name}".`);
      o.output.out(overview(o.commands));
      return 0;
    }
    if (rest.includes("--help")) {
      o.output.out(helpFor(command));
      return 0;
    }
    return (await command.run(parse(command, rest, o))) ?? 0;
  } catch (error) {
    return fail(error, { json, output: o.output });
  }
}

function parse(command: Command, rest: string[], o: RunOptions): Invocation {
  const options: NonNullable<ParseArgsConfig["options"]> = { json: { type: "boolean" }, help: { type: "boolean" } };
  for (const [name, { type }] of Object.entries(command.options ?? {})) options[name] = { type };
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: rest, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${firstLine(error)} See: hearthnet plugin ${command.name} --help`);
  }
  const wanted = command.args.split(" ").filter((word) => word !== "");
  const required = wanted.filter((word) => !word.startsWith("[")).length;
  const given = parsed.positionals.length;
  if (given < required) throw new UsageError(`${wanted[given] ?? "An argument"} is missing. Example: ${command.example}`);
  if (given > wanted.length)
    throw new UsageError(`"${parsed.positionals[wanted.length] ?? ""}" is one argument too many. Example: ${command.example}`);
  const json = parsed.values["json"] === true;
  return {
    args: parsed.positionals,
    options: parsed.values as Invocation["options"],
    cwd: o.cwd,
    env: o.env,
    stdin: o.stdin,
    output: o.output,
    print: (value, text) => o.output.out(json ? JSON.stringify(value) : text),
  };
}

function fail(error: unknown, o: { json: boolean; output: Output }): number {
  const said = describe(error);
  if (o.json) o.output.out(JSON.stringify({ error: said.code, reason: said.reason, message: said.message, action: said.action }));
  else o.output.err(`${said.message} (${said.reason})\n${said.action}`);
  return error instanceof UsageError ? 2 : 1;
}

interface Said {
  code: string;
  reason: string;
  message: string;
  action: string;
}

function describe(error: unknown): Said {
  if (error instanceof UsageError)
    return { code: "bad_request", reason: "usage", message: error.message, action: "See `hearthnet plugin --help`." };
  if (error instanceof AuthorError)
    return { code: "bad_request", reason: error.reason, message: error.message, action: error.action };
  // What the format's readers refuse, in their own words.
  if (HnError.isHnError(error)) {
    const { action } = error as { action?: unknown };
    return {
      code: error.code,
      reason: error.reason ?? error.code,
      message: error.message,
      action: typeof action === "string" ? action : "Correct the plugin and try again.",
    };
  }
  const { code } = error as NodeJS.ErrnoException;
  return {
    code: "internal_error",
    reason: typeof code === "string" ? code : "unexpected",
    message: `This did not work: ${firstLine(error)}`,
    action: "Check that the named file can be read and its folder written to.",
  };
}

function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name, args }) => `${name} ${args}`.length));
  return [
    "hearthnet plugin: for authors of plugins",
    "",
    "Usage: hearthnet plugin COMMAND [--json]",
    "",
    ...commands.map(({ name, args, summary }) => `  ${`${name} ${args}`.padEnd(width)}  ${summary}`),
    "",
    "Each command explains itself with --help. Example: hearthnet plugin create acme/hello",
  ].join("\n");
}

function helpFor(command: Command): string {
  const known: NonNullable<Command["options"]> = {
    ...command.options,
    json: { type: "boolean", help: "print one JSON value and nothing else" },
  };
  const options = Object.entries(known).map(
    ([name, option]) => `  ${`--${name}${option.value === undefined ? "" : ` ${option.value}`}`.padEnd(26)}${option.help}`,
  );
  return [
    command.summary,
    "",
    `Usage: hearthnet plugin ${command.name} ${command.args}`.trim(),
    "",
    ...options,
    "",
    `Example: ${command.example}`,
  ].join("\n");
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
