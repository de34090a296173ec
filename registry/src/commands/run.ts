import { parseArgs, type ParseArgsConfig } from "node:util";
import { RegistryError, UsageError } from "../refusal.ts";
import type { Command, Invocation } from "./command.ts";

export interface RunOptions {
  commands: readonly Command[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  now: number;
  stdin(): string;
  out(text: string): void;
  err(text: string): void;
}

/** @returns exit code: 0 done, 1 refused or failed, 2 wrong usage */
export async function runCommand(argv: readonly string[], o: RunOptions): Promise<number> {
  const json = argv.includes("--json");
  const [name, ...rest] = argv;
  try {
    const command = o.commands.find((candidate) => candidate.name === name);
    if (command === undefined) {
      if (name !== undefined && !name.startsWith("-")) throw new UsageError(`There is no command "${name}".`);
      o.out(overview(o.commands));
      return 0;
    }
    if (rest.includes("--help")) {
      o.out(helpFor(command));
      return 0;
    }
    return (await command.run(parse(command, rest, { ...o, json }))) ?? 0;
  } catch (error) {
    const said = describe(error);
    if (json) o.out(JSON.stringify({ error: "bad_request", ...said }));
    else o.err(`${said.message} (${said.reason})\n${said.action}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

function parse(command: Command, rest: string[], o: RunOptions & { json: boolean }): Invocation {
  const options: NonNullable<ParseArgsConfig["options"]> = { json: { type: "boolean" }, help: { type: "boolean" } };
  for (const [name, { type, multiple }] of Object.entries(command.options ?? {}))
    options[name] = { type, multiple: multiple === true };
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: rest, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${firstLine(error)} See: hearthnet registry ${command.name} --help`);
  }
  const wanted = command.args === "" ? 0 : 1;
  if (parsed.positionals.length < wanted) throw new UsageError(`${command.args} is missing. Example: ${command.example}`);
  if (parsed.positionals.length > wanted && !command.args.endsWith("…"))
    throw new UsageError(`"${parsed.positionals[wanted] ?? ""}" is one argument too many. Example: ${command.example}`);
  return {
    args: parsed.positionals,
    options: parsed.values as Invocation["options"],
    cwd: o.cwd,
    env: o.env,
    now: o.now,
    stdin: () => o.stdin(),
    print: (value, text) => o.out(o.json ? JSON.stringify(value) : text),
  };
}

function describe(error: unknown): { reason: string; message: string; action: string } {
  if (error instanceof UsageError) return { reason: "usage", message: error.message, action: "See `hearthnet registry --help`." };
  if (error instanceof RegistryError) return { reason: error.reason, message: error.message, action: error.action };
  const { reason, action, code } = error as { reason?: unknown; action?: unknown; code?: unknown };
  return {
    reason: typeof reason === "string" ? reason : typeof code === "string" ? code : "unexpected",
    message: typeof reason === "string" ? (error as Error).message : `This did not work: ${firstLine(error)}`,
    action: typeof action === "string" ? action : "Check that the named files can be read and the folder written to.",
  };
}

function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name, args }) => `${name} ${args}`.length));
  return [
    "hearthnet registry: run or feed a registry of plugins",
    "",
    "Usage: hearthnet registry COMMAND [--json]",
    "",
    ...commands.map(({ name, args, summary }) => `  ${`${name} ${args}`.padEnd(width)}  ${summary}`),
    "",
    "Each command explains itself with --help. Example: hearthnet registry init --out registry",
  ].join("\n");
}

function helpFor(command: Command): string {
  const known: NonNullable<Command["options"]> = {
    ...command.options,
    json: { type: "boolean", help: "print one JSON value and nothing else" },
  };
  const rows = Object.entries(known).map(
    ([name, option]) => `  ${`--${name}${option.value === undefined ? "" : ` ${option.value}`}`.padEnd(26)}${option.help}`,
  );
  return [
    command.summary,
    "",
    `Usage: hearthnet registry ${command.name} ${command.args}`.trim(),
    "",
    ...rows,
    "",
    `Example: ${command.example}`,
  ].join("\n");
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
