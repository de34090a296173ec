/**
 * Where the kernel happens to put two processes that take turns decides whether a call takes 20 or 60 µs, and says nothing about either: what waits
 * for what is measured on processors that are named.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** Where there is but one, all share it. */
const SECOND = Math.min(1, availableParallelism() - 1);

/** On one that all share. @param pids  processes that take part, with all their threads; this one as well */
export function onOneProcessor<T>(pids: readonly number[], act: () => Promise<T>): Promise<T> {
  return pinned([process.pid, ...pids], () => 0, act);
}

/** This process on one of its own, the others on a second: each call wakes somebody who sleeps. */
export function onTwoProcessors<T>(pids: readonly number[], act: () => Promise<T>): Promise<T> {
  return pinned([process.pid, ...pids], (pid) => (pid === process.pid ? 0 : SECOND), act);
}

async function pinned<T>(pids: readonly number[], processor: (pid: number) => number, act: () => Promise<T>): Promise<T> {
  const former =
    taskset(["-p", String(process.pid)])
      .trim()
      .split(" ")
      .at(-1) ?? "";
  for (const pid of pids) taskset(["-a", "-c", "-p", String(processor(pid)), String(pid)]);
  try {
    return await act();
  } finally {
    for (const pid of pids) taskset(["-a", "-p", former, String(pid)]);
  }
}

/** Of util-linux. */
function taskset(words: string[]): string {
  return execFileSync("taskset", words, { encoding: "utf8" });
}
