import type { Output } from "./command.ts";

/** The terminal, or pipes, of this process. */
export const TERMINAL: Output = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
};
