import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { HnError } from "./foundation/index.ts";

const FILE = "node.pid";

/**
 * One node per data folder. The file names the owner's pid and its start, so that a lock left by kill -9 is taken over even when the pid was
 * given to another program.
 * @returns release
 * @throws bad_request data_locked
 */
export function lockDataFolder(dataDir: string): () => void {
  const path = join(dataDir, FILE);
  const mine = `${process.pid} ${startOf(process.pid)}`;
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const fd = openSync(path, "wx", 0o600);
      writeSync(fd, mine);
      closeSync(fd);
      return () => {
        if (existsSync(path) && readFileSync(path, "utf8") === mine) rmSync(path, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const [pid = "", ...start] = readFileSync(path, "utf8").split(" ");
    if (isAlive(Number(pid)) && startOf(Number(pid)) === start.join(" "))
      throw new HnError("bad_request", {
        reason: "data_locked",
        message: `Another node is already running with this data folder (process ${pid}).`,
      });
    rmSync(path, { force: true });
  }
  throw new HnError("bad_request", { reason: "data_locked" });
}

function isAlive(pid: number): boolean {
  try {
    return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Start time in clock ticks since boot, where the system tells; empty elsewhere. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
