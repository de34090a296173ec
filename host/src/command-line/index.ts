/**
 * Room `command-line`, floor 1: how every tool of the house is typed and how it answers: words, options, help, refusals and exit codes.
 *
 * @example
 * const tool = { name: "hearthnet plugin", title: "for authors", example: "hearthnet plugin pack", commands: [packCommand] };
 * process.exitCode = await runCommandLine(process.argv.slice(2), tool, { output: TERMINAL, context: () => ({ cwd: process.cwd() }) });
 */
export { textOf, type Command, type Invocation, type OptionTable, type Output, type Tool } from "./command.ts";
export { Refusal, UsageError } from "./refusal.ts";
export { runCommandLine } from "./run.ts";
export { TERMINAL } from "./terminal.ts";
