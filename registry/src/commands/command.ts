import type { Command as CommandOf, Invocation as InvocationOf } from "@hearthnet/host/command-line";

/** What every command of a registry gets besides its arguments and options. */
export interface Surroundings {
  /** Working folder; relative paths start here. */
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Unix milliseconds. */
  now: number;
  /** All of standard input. */
  stdin: () => string;
}

export type Command = CommandOf<Surroundings>;
export type Invocation = InvocationOf & Surroundings;
