export interface CommandOption {
  type: "string" | "boolean";
  /** May be given more than once. */
  multiple?: boolean;
  /** Name of its value in the help text. */
  value?: string;
  help: string;
}

export interface Invocation {
  args: string[];
  options: Record<string, string | boolean | string[] | undefined>;
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Unix milliseconds. */
  now: number;
  /** All of standard input. */
  stdin: () => string;
  /** `value` with `--json`, else `text`. */
  print: (value: unknown, text: string) => void;
}

export interface Command {
  name: string;
  /** Positional arguments; `…` at the end: one or more. */
  args: string;
  summary: string;
  example: string;
  options?: Record<string, CommandOption>;
  /** @returns exit code, default 0 */
  run(invocation: Invocation): Promise<number | void>;
}

/** The text of an option, or what stands for it when it was left out. */
export function textOf({ options }: Pick<Invocation, "options">, name: string, otherwise: string): string {
  const value = options[name];
  return typeof value === "string" ? value : otherwise;
}
