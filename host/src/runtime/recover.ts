/** What is left to do when the node starts again. @source plugin-platform §6.2 */
import type { DataFolders } from "./data/index.ts";
import type { Journal, OpRow } from "./journal/index.ts";
import type { LogStore } from "./log-store.ts";

const DATA_KEPT_MS = 30 * 86_400_000;

/**
 * Finishes what a crash has cut off, and deletes data whose time is over.
 * @param o.abandoned  plugins of authors' sessions that a former run has not ended
 * @returns probations that go on, and what waits for the operator, by plugin
 */
export async function recover(o: {
  journal: Journal;
  data: DataFolders;
  logs: LogStore;
  abandoned: readonly string[];
  isInstalled: (id: string) => boolean;
}): Promise<Map<string, OpRow>> {
  const { journal, data, logs, isInstalled } = o;
  const probations = new Map<string, OpRow>();
  journal.dropStaged();
  for (const op of journal.unfinished()) {
    if ((op.step === "probation" || op.step === "ask") && isInstalled(op.pluginId)) {
      probations.set(op.pluginId, op);
      continue;
    }
    if (op.kind === "remove" && op.payload["keepData"] === false && !isInstalled(op.pluginId)) await data.eraseAll(op.pluginId);
    // The flip itself is one transaction, so whatever else was cut off left one release active, and no process of a former run is left.
    journal.done(op.opId);
  }
  for (const id of o.abandoned) {
    await data.eraseAll(id);
    logs.forget(id);
    journal.remove(id, false);
  }
  for (const id of journal.expiredData(DATA_KEPT_MS)) {
    await data.eraseAll(id);
    journal.forgetData(id);
  }
  return probations;
}
