import type { HealthCheck } from "../contract/index.ts";
import type { OperatorClient } from "./client.ts";

/** Options of `hearthnet up`, parsed. @source architecture §5 */
export interface UpOptions {
  dataDir: string;
  /** Absent: the config file's, or 7080 and 7860. */
  port?: number;
  adminPort?: number;
  name?: string;
  listen?: string;
  discovery: boolean;
  allowDevRoot: boolean;
}

/** What the terminal needs from the floor above it; `main.ts` hands it in. */
export interface CliHost {
  /** Runs a node until it is told to stop. @returns exit code */
  up(options: UpOptions, io: Io): Promise<number>;
  /** Checks that work without a running node. */
  doctor(dataDir: string): Promise<HealthCheck[]>;
  /** Absolute paths of the binaries that authors and registry keepers use. */
  binaries: { plugin: string; registry: string };
  defaultDataDir: string;
  version: string;
}

export interface Io {
  /** Writes a line. */
  out(text: string): void;
  err(text: string): void;
  stdin: NodeJS.ReadStream;
  env: NodeJS.ProcessEnv;
  cwd: string;
}

export interface Invocation {
  args: string[];
  /** Values of the command's own options. */
  options: Record<string, string | boolean | string[] | undefined>;
  dataDir: string;
  json: boolean;
  io: Io;
  host: CliHost;
  client: () => OperatorClient;
  /** Prints the result: `value` with `--json`, else `text`. */
  print: (value: unknown, text: string) => void;
}

export interface Command {
  /** Words after `hearthnet`, e.g. `["community", "create"]`. */
  name: string[];
  /** Positional arguments as shown in help; a trailing `…` takes any number, brackets mean optional. */
  args: string;
  summary: string;
  example: string;
  options?: Record<string, { type: "string" | "boolean"; multiple?: boolean; value?: string; help: string }>;
  run(invocation: Invocation): Promise<number | void>;
}

/** Wrong usage: exit code 2. */
export class UsageError extends Error {}
