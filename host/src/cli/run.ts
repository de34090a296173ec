import { resolve } from "node:path";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { HnError } from "../foundation/index.ts";
import { OperatorClient } from "./client.ts";
import { type CliHost, type Command, type Invocation, type Io, UsageError } from "./command.ts";
import { COMMANDS } from "./commands/index.ts";

/**
 * Runs one command line.
 * @returns exit code: 0 done, 1 refused or failed, 2 wrong usage
 * @source architecture §5
 */
export async function runCli(argv: readonly string[], o: { io: Io; host: CliHost }): Promise<number> {
  const { io, host } = o;
  const json = argv.includes("--json");
  try {
    const { command, rest } = find(argv);
    if (command === null || argv.includes("--help")) {
      if (command === null && rest.some((word) => !word.startsWith("-")))
        throw new UsageError(`There is no command "${rest.filter((w) => !w.startsWith("-")).join(" ")}".`);
      io.out(command === null ? overview(host.version) : helpFor(command));
      return 0;
    }
    const invocation = parse(command, rest, o);
    return (await command.run(invocation)) ?? 0;
  } catch (error) {
    if (error instanceof UsageError)
      return fail(new HnError("bad_request", { reason: "usage", message: error.message }), { json, io, code: 2 });
    return fail(HnError.from(error), { json, io, code: 1 });
  }
}

/** Global options may stand before or after the command's words. */
function find(argv: readonly string[]): { command: Command | null; rest: string[] } {
  const words: number[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (word === "--") break;
    if (word === "--data") i++;
    else if (!word.startsWith("-")) words.push(i);
    else if (words.length > 0) break;
  }
  for (const length of [2, 1]) {
    const name = words.slice(0, length).map((i) => argv[i] ?? "");
    const command =
      name.length === length
        ? COMMANDS.find((c) => c.name.length === length && c.name.every((w, i) => w === name[i]))
        : undefined;
    if (command !== undefined) return { command, rest: argv.filter((_word, i) => !words.slice(0, length).includes(i)) };
  }
  return { command: null, rest: [...argv] };
}

function parse(command: Command, rest: string[], o: { io: Io; host: CliHost }): Invocation {
  const { io, host } = o;
  const passThrough = command.args === "…";
  const options: NonNullable<ParseArgsConfig["options"]> = {
    data: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean" },
  };
  for (const [name, option] of Object.entries(command.options ?? {}))
    options[name] = { type: option.type, multiple: option.multiple ?? false };
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = passThrough
      ? { values: {}, positionals: rest }
      : parseArgs({ args: rest, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split("\n")[0] ?? ""} See: hearthnet ${command.name.join(" ")} --help`);
  }
  if (!passThrough) checkCount(command, parsed.positionals);
  const { data } = parsed.values;
  const dataDir = resolve(io.cwd, typeof data === "string" ? data : (io.env["HEARTHNET_DATA"] ?? host.defaultDataDir));
  const json = parsed.values["json"] === true;
  return {
    args: parsed.positionals,
    options: parsed.values as Invocation["options"],
    dataDir,
    json,
    io,
    host,
    client: () => new OperatorClient(dataDir),
    print: (value, text) => io.out(json ? JSON.stringify(value) : text),
  };
}

function checkCount(command: Command, given: string[]): void {
  const wanted = command.args.split(" ").filter((word) => word !== "");
  const required = wanted.filter((word) => !word.startsWith("[")).length;
  const unlimited = wanted.some((word) => word.includes("…"));
  if (given.length >= required && (unlimited || given.length <= wanted.length)) return;
  throw new UsageError(
    given.length < required
      ? `${wanted[given.length] ?? "An argument"} is missing. Example: ${command.example}`
      : `"${given[wanted.length] ?? ""}" is one argument too many. Example: ${command.example}`,
  );
}

function fail(error: HnError, o: { json: boolean; io: Io; code: number }): number {
  const local = error.toLocal();
  if (o.json) o.io.out(JSON.stringify(local));
  else {
    const code = local.reason === undefined ? local.error : `${local.error}, ${local.reason}`;
    o.io.err(`${local.message ?? ""} (${code})${local.action === undefined ? "" : `\n${local.action}`}`);
  }
  return o.code;
}

function overview(version: string): string {
  const width = Math.max(...COMMANDS.map((c) => `${c.name.join(" ")} ${c.args}`.length));
  const rows = COMMANDS.map((c) => `  ${`${c.name.join(" ")} ${c.args}`.padEnd(width)}  ${c.summary}`);
  return [
    `HearthNet ${version}: servers of neighbours that keep working when the internet is gone.`,
    "",
    "Usage: hearthnet [--data DIR] [--json] COMMAND",
    "",
    ...rows,
    "",
    "Each command explains itself with --help. Example: hearthnet up",
  ].join("\n");
}

function helpFor(command: Command): string {
  const options = Object.entries({
    ...command.options,
    data: { type: "string" as const, value: "DIR", help: "data folder (env HEARTHNET_DATA)" },
    json: { type: "boolean" as const, help: "print one JSON value and nothing else" },
  }).map(
    ([name, o]) =>
      `  ${`--${name}${o.type === "string" ? ` ${"value" in o && o.value !== undefined ? o.value : "VALUE"}` : ""}`.padEnd(26)}${o.help}`,
  );
  return [
    command.summary,
    "",
    `Usage: hearthnet ${[...command.name, command.args].join(" ").trim()} [options]`,
    "",
    ...options,
    "",
    `Example: ${command.example}`,
  ].join("\n");
}
