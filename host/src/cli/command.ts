import type { Command as CommandOf, Invocation as InvocationOf, Output } from "../command-line/index.ts";
import type { Diagnosis } from "../contract/index.ts";
import type { OperatorClient } from "./client.ts";

/** Options of `hearthnet up`, parsed. @source architecture §5 */
export interface UpOptions {
  dataDir: string;
  /** Absent: the config file's, or 7080 and 7860. */
  port?: number;
  adminPort?: number;
  name?: string;
  listen?: string;
  /** Absent: the checkout's `hearthnet.config.ts`, when there is one. */
  config?: string;
  discovery: boolean;
  allowDevRoot: boolean;
  /** Absent: what the config file says. */
  dev?: true;
}

/** What the terminal needs from the floor above it; `main.ts` hands it in. */
export interface CliHost {
  /** Runs a node until it is told to stop. @returns exit code */
  up(options: UpOptions, io: Io): Promise<number>;
  /** Checks that work without a running node. */
  doctor(dataDir: string): Promise<Diagnosis[]>;
  /** Absolute paths of the binaries that authors and registry keepers use. */
  binaries: { plugin: string; registry: string };
  defaultDataDir: string;
  version: string;
}

export interface Io extends Output {
  stdin: NodeJS.ReadStream;
  env: NodeJS.ProcessEnv;
  cwd: string;
}

/** What every command of the owner gets besides its arguments and options. */
export interface Surroundings {
  dataDir: string;
  io: Io;
  host: CliHost;
  client: () => OperatorClient;
}

export type Command = CommandOf<Surroundings>;
export type Invocation = InvocationOf & Surroundings;
