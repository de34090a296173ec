/** Taking things away, so that nothing of others goes with them. @source 30 §4.4, §4.6 */
import { setImmediate as turn } from "node:timers/promises";
import type { Parts } from "./reading.ts";
import type { BlobRecord, ChunkRecord } from "./rows.ts";

const AT_ONCE = 200;

/** In a transaction; after it `tidyManifests` and `sweepUnused` take from the disk what nobody needs any more. */
export function dropBlob({ rows }: Parts, { id }: BlobRecord): void {
  // What is left to others may have lain in a form that was this one's alone.
  rows.run("INSERT OR IGNORE INTO recode(chunk_id) SELECT chunk_id FROM part WHERE blob_id = ?", id);
  rows.run("DELETE FROM blob WHERE id = ?", id);
}

/** A file goes only when it is settled that no row names it: the process may end between the two. */
export function tidyManifests({ rows, tx, files }: Parts, names: Iterable<string>): void {
  tx.run(() => {
    for (const name of names)
      if (rows.get("SELECT 1 FROM blob WHERE name = ?", name) === undefined) files.remove(name, "manifest.json");
  });
}

/** Deletes chunks that no blob refers to, a few at a time. @returns bytes that are free now */
export async function sweepUnused({ rows, tx, files }: Parts): Promise<number> {
  let freed = 0;
  for (;;) {
    // First nobody can count on them any more, then they go.
    const unused = tx.run(() => {
      const some = rows.all<ChunkRecord>(`SELECT * FROM chunk WHERE refs = 0 LIMIT ${AT_ONCE}`);
      for (const { id } of some) rows.run("UPDATE chunk SET held = 0 WHERE id = ?", id);
      return some;
    });
    tx.run(() => {
      for (const { id, name, held, size_bytes } of unused) {
        if (rows.run("DELETE FROM chunk WHERE id = ? AND refs = 0 AND held = 0", id) === 0) continue;
        files.remove(name, "bin");
        if (held === 1) freed += size_bytes;
      }
    });
    if (unused.length < AT_ONCE) return freed;
    await turn();
  }
}
