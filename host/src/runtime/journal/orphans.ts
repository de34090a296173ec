/** Processes that outlived a daemon that was killed. @source plugin-platform §6.2 "orphan sweep" */
import { startTicks } from "../confine/index.ts";
import type { Journal } from "./journal.ts";

/**
 * Ends what the former daemon started and did not see ending. A pid alone may meanwhile be somebody else's; with the start time it cannot.
 * @returns how many were ended
 */
export function sweepOrphans(journal: Journal): number {
  let ended = 0;
  for (const { pid, startTicks: started } of journal.processes()) {
    if (startTicks(pid) === started) {
      try {
        process.kill(pid, "SIGKILL");
        ended += 1;
      } catch {
        // It ended by itself in this moment.
      }
    }
    journal.processGone(pid);
  }
  return ended;
}
