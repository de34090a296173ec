import { readFileSync } from "node:fs";
import { uptime } from "node:os";

/** Names the present start of the operating system. Where the system has no name for it, its start time to the half minute must do. */
export function readBootId(unixMs: number): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return `started-${Math.round((unixMs / 1000 - uptime()) / 30)}`;
  }
}
