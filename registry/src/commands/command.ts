export interface Invocation {
  args: string[];
  options: Record<string, string | boolean | undefined>;
  cwd: string;
  /** Unix milliseconds. */
  now: number;
  /** `value` with `--json`, else `text`. */
  print: (value: unknown, text: string) => void;
}

export interface Command {
  name: string;
  /** Positional arguments; brackets mean optional, `…` any number. */
  args: string;
  summary: string;
  example: string;
  options?: Record<string, { type: "string" | "boolean"; value?: string; help: string }>;
  /** @returns exit code, default 0 */
  run(invocation: Invocation): Promise<number | void>;
}
