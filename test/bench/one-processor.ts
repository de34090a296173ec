/**
 * Where the kernel happens to put two processes that take turns decides whether a call takes 20 or 60 µs, and says nothing about either: what waits
 * for what is measured on one processor, which both share.
 */
import { execFileSync } from "node:child_process";

/** @param pids  processes that take part, with all their threads; this one as well */
export async function onOneProcessor<T>(pids: readonly number[], act: () => Promise<T>): Promise<T> {
  const all = [process.pid, ...pids];
  const former =
    taskset(["-p", String(process.pid)])
      .trim()
      .split(" ")
      .at(-1) ?? "";
  for (const pid of all) taskset(["-a", "-c", "-p", "0", String(pid)]);
  try {
    return await act();
  } finally {
    for (const pid of all) taskset(["-a", "-p", former, String(pid)]);
  }
}

/** Of util-linux. */
function taskset(words: string[]): string {
  return execFileSync("taskset", words, { encoding: "utf8" });
}
