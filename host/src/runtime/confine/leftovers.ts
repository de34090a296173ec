import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { sep } from "node:path";

const PROGRAM = "bwrap";

/**
 * Ends sandboxes of a former run that was killed while they were set up. Bwrap goes with its daemon, but the first process inside, which is not
 * bound to anybody yet, waits for it for ever, or goes on without it. It is known by the filter that it holds open, that of this node and no other,
 * or by what it was told to show inside. To be called before this run starts any.
 * @param o.seccompFile  the filter of this node
 * @param o.dataDir      the node's folder, where packages lie
 * @returns how many there were; 0 where there is no /proc
 */
export function endLeftovers({ seccompFile, dataDir }: { seccompFile: string; dataDir: string }): number {
  const [filter, folder] = [realpathSync(seccompFile), `${realpathSync(dataDir)}${sep}`];
  const isOwn = (pid: string): boolean =>
    opened(pid).includes(filter) || argumentsOf(pid).some((word) => word.startsWith(folder));
  const left = pids().filter((pid) => nameOf(pid) === PROGRAM && isOwn(pid));
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

function nameOf(pid: string): string {
  return textOf(`/proc/${pid}/comm`).trimEnd();
}

function argumentsOf(pid: string): string[] {
  return textOf(`/proc/${pid}/cmdline`).split("\0");
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
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
