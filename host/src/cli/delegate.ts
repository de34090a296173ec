import { spawn } from "node:child_process";
import type { Io } from "./command.ts";

/** Runs another binary of the workspace with the same terminal; its exit code is ours, and whoever ends us ends it. */
export function delegate(binary: string, args: string[], io: Io): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [binary, ...args], { stdio: "inherit", cwd: io.cwd, env: io.env });
    const passOn = (signal: NodeJS.Signals): void => void child.kill(signal);
    // Ctrl+C reaches both from the terminal; ours is to wait.
    const wait = (): void => undefined;
    for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, passOn);
    process.on("SIGINT", wait);
    const done = (): void => {
      for (const signal of ["SIGTERM", "SIGHUP"] as const) process.off(signal, passOn);
      process.off("SIGINT", wait);
    };
    child.once("error", (error) => {
      done();
      reject(error);
    });
    child.once("exit", (code, signal) => {
      done();
      resolve(signal === null ? (code ?? 1) : 1);
    });
  });
}
