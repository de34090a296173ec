import { HnError } from "../foundation/index.ts";

/** What whoever typed the command can mend: exit code 1. */
export class Refusal extends HnError {
  /** @param o.reason  machine-readable; need not stand in the table of reasons */
  constructor(message: string, o: { reason: string; action: string; cause?: unknown }) {
    super("bad_request", { message, ...o });
  }
}

/** Wrong usage: exit code 2. */
export class UsageError extends Error {}

/** Anything thrown, with what happened, what it means and what to do. */
export function explain(error: unknown, tool: string): HnError {
  if (HnError.isHnError(error)) return error;
  if (error instanceof UsageError)
    return new HnError("bad_request", { reason: "usage", message: error.message, action: `See \`${tool} --help\`.` });
  const message = `This did not work: ${firstLine(error)}`;
  const { code, syscall } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  // What the system refused is the user's to mend; the rest is a fault of ours, whose text is wanted in a report.
  return code !== undefined && syscall !== undefined
    ? new Refusal(message, {
        reason: code,
        action: "Check that the named files can be read and their folders written to.",
        cause: error,
      })
    : new HnError("internal_error", {
        reason: "unexpected",
        message,
        action: "Try again; if it happens again, report this line and what you typed.",
        cause: error,
      });
}

export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
