/** An unconfined process that gives JSON back over the same kind of socket pair, and nothing else. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { readFrames, writeFrame, type BareFrame } from "./bare-frames.ts";

/** Somebody who answers. */
export interface Party {
  call: () => Promise<unknown>;
  /** The process at the other end. */
  pid: number;
  stop(): Promise<void>;
}

/** @param input  what every call carries, and what comes back */
export function startBare(input: unknown): Party {
  const child = spawn(process.execPath, ["--no-warnings", join(import.meta.dirname, "bare-echo.ts")], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const socket = child.stdio[3] as Duplex;
  const waiting = new Map<number, (frame: BareFrame) => void>();
  readFrames(socket, (frame) => {
    waiting.get(frame.id)?.(frame);
    waiting.delete(frame.id);
  });
  let last = 0;
  return {
    pid: child.pid ?? 0,
    call: () =>
      new Promise((resolve) => {
        const id = ++last;
        waiting.set(id, resolve);
        writeFrame(socket, { id, input });
      }),
    stop: async () => {
      const gone = once(child, "exit");
      socket.destroy();
      await gone;
    },
  };
}
