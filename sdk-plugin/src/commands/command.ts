/** One command of `hearthnet-plugin`, and how all of them speak. */
import type { Buffer } from "node:buffer";

export interface Output {
  /** One line on standard output. */
  out(text: string): void;
  /** One line on standard error. */
  err(text: string): void;
}

export interface Invocation {
  args: string[];
  options: Record<string, string | boolean | undefined>;
  /** Working folder; relative paths start here. */
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Reads standard input to its end. */
  stdin: () => Promise<Buffer>;
  output: Output;
  /** `value` with `--json`, else `text`. */
  print: (value: unknown, text: string) => void;
}

export interface Command {
  name: string;
  /** Positional arguments as help shows them; brackets mean optional. */
  args: string;
  summary: string;
  example: string;
  options?: Record<string, { type: "string" | "boolean"; value?: string; help: string }>;
  /** @returns exit code, default 0 */
  run(invocation: Invocation): Promise<number | void>;
}

/** Wrong usage: exit code 2. */
export class UsageError extends Error {}

/** What an author can mend. */
export class AuthorError extends Error {
  /** Machine-readable, from the host's table where it comes from there. */
  readonly reason: string;
  readonly action: string;

  constructor(message: string, o: { reason: string; action: string; cause?: unknown }) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.reason = o.reason;
    this.action = o.action;
  }
}
