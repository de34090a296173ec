import { spawn } from "node:child_process";
import type { Io } from "./command.ts";

/** Runs another binary of the workspace with the same terminal; its exit code is ours. */
export function delegate(binary: string, args: string[], io: Io): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [binary, ...args], { stdio: "inherit", cwd: io.cwd, env: io.env });
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}
