import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

const PROGRAM = "bwrap";

/**
 * Ends sandboxes of a former run that were cut off while they were set up. When a daemon is killed, bwrap goes with it, but the first process inside,
 * which is not bound to anybody yet, waits for bwrap for ever. It is known by the filter that it holds open: that of this node and no other.
 * To be called before this run starts any.
 * @param seccompFile  the filter of this node
 * @returns how many there were; 0 where there is no /proc
 */
export function endLeftovers(seccompFile: string): number {
  const own = realpathSync(seccompFile);
  const left = pids().filter((pid) => nameOf(pid) === PROGRAM && opened(pid).includes(own));
  for (const pid of left)
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It has just ended.
    }
  return left.length;
}

function pids(): string[] {
  return entries("/proc").filter((name) => /^\d+$/.test(name));
}

function nameOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, "latin1").trimEnd();
  } catch {
    return undefined;
  }
}

/** Paths of its open files, as far as they may be known. */
function opened(pid: string): string[] {
  const folder = `/proc/${pid}/fd`;
  return entries(folder).flatMap((fd) => {
    try {
      return [readlinkSync(`${folder}/${fd}`)];
    } catch {
      return [];
    }
  });
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
