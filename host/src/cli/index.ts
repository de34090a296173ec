/**
 * Room `cli`, floor 7: lets the owner steer the node from a terminal. It speaks to the operator socket and knows no other room's insides.
 *
 * @example
 * process.exitCode = await runCli(process.argv.slice(2), { io, host });
 */
export { runCli } from "./run.ts";
export type { CliHost, Io } from "./command.ts";
