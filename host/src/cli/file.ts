import { openSync } from "node:fs";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { Refusal } from "../command-line/index.ts";
import { HnError, readFileBounded } from "../foundation/index.ts";
import type { Io } from "./command.ts";

/**
 * A file that the owner named on the command line.
 * @throws not_found when it cannot be read · bad_request too_large
 */
export function readNamedFile(io: Io, name: string, maxBytes: number): Uint8Array {
  try {
    return readFileBounded(resolve(io.cwd, name), maxBytes);
  } catch (cause) {
    if (HnError.isHnError(cause)) throw cause;
    throw unreadable(name, cause);
  }
}

/**
 * A file that the owner named, however long, a line at a time.
 * @throws not_found when it cannot be read
 */
export async function* readNamedLines(io: Io, name: string): AsyncGenerator<string> {
  const file = await open(resolve(io.cwd, name), "r").catch((cause: unknown) => {
    throw unreadable(name, cause);
  });
  try {
    if (!(await file.stat()).isFile()) throw unreadable(name, { code: "EISDIR" });
    yield* file.readLines();
  } finally {
    await file.close();
  }
}

/**
 * A new file for its owner alone, where the owner said.
 * @throws bad_request when it cannot be made, for one because something of that name is there
 */
export function createNamedFile(io: Io, name: string): number {
  try {
    return openSync(resolve(io.cwd, name), "wx", 0o600);
  } catch (cause) {
    throw new Refusal(`The file "${name.slice(0, 200)}" cannot be made (${codeOf(cause)}).`, {
      reason: "not_written",
      action: "Name a file that does not exist yet, in a folder that you may write to.",
      cause,
    });
  }
}

function unreadable(name: string, cause: unknown): HnError {
  return new HnError("not_found", {
    message: `The file "${name.slice(0, 200)}" cannot be read (${codeOf(cause)}).`,
    action: "Check the path and that you may read the file.",
    cause,
  });
}

const codeOf = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? "error";
