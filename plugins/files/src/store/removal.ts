/** Taking things away, so that nothing of others goes with them. @source 30 §4.4, §4.6 */
import { setImmediate as turn } from "node:timers/promises";
import type { Parts } from "./reading.ts";
import type { BlobRecord, ChunkRecord } from "./rows.ts";

const AT_ONCE = 200;

/** In a transaction. Its chunks go when nobody else needs them, with `sweepUnused`. */
export function dropBlob({ rows, files }: Parts, { id, name }: BlobRecord): void {
  // What is left to others may have lain in a form that was this one's alone.
  rows.run("INSERT OR IGNORE INTO recode(chunk_id) SELECT chunk_id FROM part WHERE blob_id = ?", id);
  rows.run("DELETE FROM blob WHERE id = ?", id);
  if (rows.get("SELECT 1 FROM blob WHERE name = ?", name) === undefined) files.remove(name, "manifest.json");
}

/** Deletes chunks that no blob refers to, a few at a time. @returns bytes that are free now */
export async function sweepUnused({ rows, tx, files }: Parts): Promise<number> {
  let freed = 0;
  for (;;) {
    const count = tx.run(() => {
      const unused = rows.all<ChunkRecord>(`SELECT * FROM chunk WHERE refs = 0 LIMIT ${AT_ONCE}`);
      for (const { id, name, held, size_bytes } of unused) {
        files.remove(name, "bin");
        rows.run("DELETE FROM chunk WHERE id = ?", id);
        if (held === 1) freed += size_bytes;
      }
      return unused.length;
    });
    if (count < AT_ONCE) return freed;
    await turn();
  }
}
