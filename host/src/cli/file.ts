import { resolve } from "node:path";
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
    const code = (cause as NodeJS.ErrnoException).code ?? "error";
    throw new HnError("not_found", {
      message: `The file "${name.slice(0, 200)}" cannot be read (${code}).`,
      action: "Check the path and that you may read the file.",
      cause,
    });
  }
}
