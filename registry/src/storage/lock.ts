import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "@hearthnet/host/command-line";

/**
 * One writer at a time; whoever died without letting go does not count.
 * @returns lets go
 * @throws Refusal busy
 */
export function lockRegistry(folder: string): () => void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, ".lock");
  for (const last of [false, true]) {
    try {
      const fd = openSync(path, "wx", 0o644);
      writeSync(fd, String(process.pid));
      closeSync(fd);
      return () => rmSync(path, { force: true });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
      const holder = readHolder(path);
      if (last || isAlive(holder))
        throw new Refusal(`Another command is changing this registry (process ${holder || "unknown"}).`, {
          reason: "busy",
          action: "Wait for it to end, then try again.",
          cause,
        });
      rmSync(path, { force: true });
    }
  }
  throw new Error("not reached");
}

function readHolder(path: string): number {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch {
    return 0;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
