/** After a start: what the tables say and what lies on the disk become one again. @source 30 §4.1 */
import { setImmediate as turn } from "node:timers/promises";
import type { Parts } from "./reading.ts";
import { sweepUnused } from "./removal.ts";
import type { ChunkRecord } from "./rows.ts";

/**
 * Deletes files that no row names and marks chunks as missing whose file is gone; a folder at a time, in the background.
 * What is there is not read: every reader looks at it anyway.
 */
export async function audit(parts: Parts, signal?: AbortSignal): Promise<{ strayFiles: number; lostChunks: number }> {
  const { rows, tx, files } = parts;
  const found = { strayFiles: 0, lostChunks: 0 };
  await sweepUnused(parts);
  for (const folder of files.folders()) {
    if (signal?.aborted === true) return found;
    const contents = files.contents(folder);
    for (let at = 0; at < contents.length; at += 200) {
      tx.run(() => {
        for (const { name, kind } of contents.slice(at, at + 200)) {
          const sql = kind === "bin" ? "SELECT 1 FROM chunk WHERE name = ? AND held = 1" : "SELECT 1 FROM blob WHERE name = ?";
          if (rows.get(sql, name) !== undefined) continue;
          files.remove(name, kind);
          found.strayFiles += 1;
        }
      });
      await turn();
    }
  }
  let last = 0;
  for (;;) {
    const some = rows.all<ChunkRecord>("SELECT * FROM chunk WHERE id > ? AND held = 1 ORDER BY id LIMIT 200", last);
    if (some.length === 0 || signal?.aborted === true) return found;
    last = some.at(-1)?.id ?? last;
    tx.run(() => {
      for (const { id, name } of some) {
        if (files.has(name, "bin") || rows.get("SELECT 1 FROM chunk WHERE id = ? AND name = ?", id, name) === undefined) continue;
        rows.run("UPDATE chunk SET held = 0 WHERE id = ?", id);
        rows.run("UPDATE blob SET complete = 0 WHERE id IN (SELECT blob_id FROM part WHERE chunk_id = ?)", id);
        rows.run("UPDATE part SET ready = 0 WHERE chunk_id = ?", id);
        found.lostChunks += 1;
      }
    });
    await turn();
  }
}
