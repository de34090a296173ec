/** Open files that the daemon inherited would leak into every child. @source plugin-platform §1.3.5 */
import { closeSync, readdirSync, readFileSync } from "node:fs";

const O_CLOEXEC = 0o2000000;

/** Numbers above 2 that a child would inherit; empty where there is no /proc. */
export function inheritableDescriptors(): number[] {
  let names: string[];
  try {
    names = readdirSync("/proc/self/fdinfo");
  } catch {
    return [];
  }
  return names.map(Number).filter((fd) => {
    if (!Number.isInteger(fd) || fd <= 2) return false;
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
      return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
    } catch {
      return false;
    }
  });
}

/**
 * Closes what the daemon's parent left open, except sockets handed over on purpose (`LISTEN_FDS`, counted from 3).
 * @returns the numbers that were closed
 */
export function closeInherited(listenFds: number = Number(process.env["LISTEN_FDS"] ?? 0)): number[] {
  return inheritableDescriptors().filter((fd) => {
    if (fd < 3 + listenFds) return false;
    try {
      closeSync(fd);
      return true;
    } catch {
      return false;
    }
  });
}
