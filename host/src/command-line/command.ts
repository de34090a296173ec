export interface Option {
  type: "string" | "boolean";
  /** May be given more than once; its value is a list then. */
  multiple?: boolean;
  /** What help calls its value. */
  value?: string;
  /** One line. */
  help: string;
}

export type OptionTable = Readonly<Record<string, Option>>;

/** Values of the options that were given. */
export type OptionValues = Record<string, string | boolean | string[] | undefined>;

/** One command line, parsed. What else a command of a tool needs comes with the tool's context. */
export interface Invocation {
  args: string[];
  options: OptionValues;
  json: boolean;
  /** Prints the result: `value` with `--json`, else `text`. */
  print: (value: unknown, text: string) => void;
}

export interface Command<Context> {
  /** Words after the tool's name, e.g. `["community", "create"]`. */
  name: readonly string[];
  /**
   * Positional arguments as help shows them: `[X]` may be left out, `X…` takes any number. `…` alone: whatever follows, `--help` included, is
   * handed on unread in `args`.
   */
  args: string;
  summary: string;
  example: string;
  options?: OptionTable;
  /** @returns exit code, default 0 */
  run(invocation: Invocation & Context): Promise<number | void>;
}

export interface Tool<Context> {
  /** As it is typed, e.g. `hearthnet plugin`. */
  name: string;
  /** What it is, the first line of its overview. */
  title: string;
  example: string;
  /** In the order of the overview. */
  commands: readonly Command<Context>[];
  /** Options of every command, besides `--json` and `--help`. */
  globals?: OptionTable;
}

export interface Output {
  /** One line on standard output. */
  out(text: string): void;
  /** One line on standard error. */
  err(text: string): void;
}

export function isHandedOn({ args }: Pick<Command<never>, "args">): boolean {
  return args === "…";
}

/** The text of an option, or what stands for it when it was left out. */
export function textOf({ options }: Pick<Invocation, "options">, name: string, otherwise: string): string {
  const value = options[name];
  return typeof value === "string" ? value : otherwise;
}
