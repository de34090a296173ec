import { closeSync, constants, openSync, readSync } from "node:fs";
import { PROGRAM_HEAD_BYTES } from "./machine-code.ts";

/**
 * The first bytes of a file, as `checkProgram` wants to see them; fewer where there are no more.
 * @param o.links  `refused` for what others can have put there, `followed` for what its owner names
 * @throws as the file system says it
 */
export function headOf(path: string, { links }: { links: "refused" | "followed" }): Uint8Array {
  const head = Buffer.alloc(PROGRAM_HEAD_BYTES);
  const fd = openSync(path, constants.O_RDONLY | (links === "refused" ? constants.O_NOFOLLOW : 0));
  try {
    return head.subarray(0, readSync(fd, head, 0, PROGRAM_HEAD_BYTES, 0));
  } finally {
    closeSync(fd);
  }
}
