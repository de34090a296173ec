import type { Command as CommandOf, Invocation as InvocationOf } from "@hearthnet/host/command-line";

/** What every command of an author gets besides its arguments and options. */
export interface Surroundings {
  /** Working folder; relative paths start here. */
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Reads standard input to its end. */
  stdin: () => Promise<Buffer>;
}

export type Command = CommandOf<Surroundings>;
export type Invocation = InvocationOf & Surroundings;
