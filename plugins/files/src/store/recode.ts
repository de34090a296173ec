/** Brings what lies on the disk into the form that the settings want, a chunk at a time; may end at any moment. @source 30 §7 */
import { readManifest } from "../cid/manifest.ts";
import { manifestBytes, type Parts, type Reading } from "./reading.ts";
import { tidyManifests } from "./removal.ts";
import type { BlobRecord, ChunkRecord } from "./rows.ts";

export class Recoder {
  readonly #parts: Parts;
  readonly #reading: Reading;

  constructor(parts: Parts, reading: Reading) {
    this.#parts = parts;
    this.#reading = reading;
  }

  /** Blobs and chunks that may still lie in another form than they should. */
  left(): number {
    const { rows } = this.#parts;
    const { n = 0 } = rows.get<{ n: number }>("SELECT count(*) AS n FROM recode") ?? {};
    return n + this.#wrongBlobs(-1).length;
  }

  /** Until nothing is left, or the store is locked and what is left cannot be read. @returns how many were changed */
  async run(signal?: AbortSignal): Promise<number> {
    let changed = 0;
    while (signal?.aborted !== true && !this.#parts.vault.locked) {
      const did = (await this.#nextBlob()) ?? (await this.#nextChunk());
      if (did === null) break;
      if (did) changed += 1;
    }
    return changed;
  }

  /** Null when there is none. */
  async #nextBlob(): Promise<boolean | null> {
    const [blob] = this.#wrongBlobs(1);
    if (blob === undefined) return null;
    const { rows, tx, files, vault, hasher } = this.#parts;
    const sealed = vault.seals(blob.visibility);
    const label = this.#reading.label(blob);
    const manifest = label === null ? null : await this.#reading.manifest(blob, label.cid);
    if (label === null || manifest === null) {
      // Nobody can say any more what it was.
      tx.run(() => rows.run("DELETE FROM blob WHERE id = ?", blob.id));
      return true;
    }
    const bytes = manifestBytes(readManifest(hasher, manifest));
    const name = vault.name(label.cid, sealed);
    const written = await files.write(name, "manifest.json", vault.packManifest(label.cid, sealed, bytes));
    try {
      tx.run(() => {
        const now = rows.blob(blob.id);
        if (now?.name !== blob.name) return;
        written.place();
        rows.run(
          "UPDATE blob SET name = ?, sealed = ?, label = ? WHERE id = ?",
          name,
          sealed ? 1 : 0,
          vault.packLabel(name, sealed, label),
          blob.id,
        );
        rows.run("INSERT OR IGNORE INTO recode(chunk_id) SELECT chunk_id FROM part WHERE blob_id = ?", blob.id);
      });
      await files.settle();
      tidyManifests(this.#parts, [blob.name]);
    } finally {
      written.discard();
    }
    return true;
  }

  async #nextChunk(): Promise<boolean | null> {
    const { rows, tx } = this.#parts;
    const row = rows.get<ChunkRecord>("SELECT chunk.* FROM recode JOIN chunk ON chunk.id = recode.chunk_id LIMIT 1");
    if (row === undefined) return null;
    const sealed =
      rows.get(
        "SELECT 1 FROM part JOIN blob ON blob.id = part.blob_id WHERE part.chunk_id = ? AND blob.sealed = 0 LIMIT 1",
        row.id,
      ) === undefined;
    const changed = (row.sealed === 1) !== sealed && row.refs > 0 && (await this.#rewrite(row, sealed));
    tx.run(() => rows.run("DELETE FROM recode WHERE chunk_id = ?", row.id));
    return changed;
  }

  /** Old and new lie side by side until the row says which one counts. */
  async #rewrite(row: ChunkRecord, sealed: boolean): Promise<boolean> {
    const { rows, tx, files, vault } = this.#parts;
    const cid = await this.#cidOf(row);
    if (cid === null) return false;
    const name = vault.name(cid, sealed);
    const twin = rows.get<ChunkRecord>("SELECT * FROM chunk WHERE name = ?", name);
    if (twin?.held === 1) {
      tx.run(() => rows.run("UPDATE part SET chunk_id = ? WHERE chunk_id = ?", twin.id, row.id));
      return true;
    }
    const bytes = row.held === 1 ? await this.#reading.chunk(row, cid) : null;
    const written = bytes === null ? null : await files.write(name, "bin", vault.packChunk(cid, sealed, bytes));
    try {
      const moved = tx.run(() => {
        const now = rows.get<ChunkRecord>("SELECT * FROM chunk WHERE id = ?", row.id);
        if (now === undefined || now.name !== row.name || (now.held === 1) !== (written !== null)) return false;
        if (twin !== undefined) {
          rows.run("UPDATE part SET chunk_id = ? WHERE chunk_id = ?", row.id, twin.id);
          rows.run("DELETE FROM chunk WHERE id = ?", twin.id);
        }
        written?.place();
        rows.run("UPDATE chunk SET name = ?, sealed = ? WHERE id = ?", name, sealed ? 1 : 0, row.id);
        return true;
      });
      if (!moved) return false;
      await files.settle();
      tx.run(() => {
        if (rows.get("SELECT 1 FROM chunk WHERE name = ?", row.name) === undefined) files.remove(row.name, "bin");
      });
      return true;
    } finally {
      written?.discard();
    }
  }

  /** From its own name, or from a blob that it belongs to. */
  async #cidOf(row: ChunkRecord): Promise<string | null> {
    if (row.sealed === 0) return `blake3:${row.name}`;
    const { rows } = this.#parts;
    const places = rows.all<BlobRecord & { i: number }>(
      "SELECT blob.*, part.i AS i FROM part JOIN blob ON blob.id = part.blob_id WHERE part.chunk_id = ? AND blob.staged = 0",
      row.id,
    );
    for (const place of places) {
      const label = this.#reading.label(place);
      const manifest = label === null ? null : await this.#reading.manifest(place, label.cid);
      const cid = manifest?.chunks[place.i]?.cid;
      if (cid !== undefined) return cid;
    }
    return null;
  }

  #wrongBlobs(limit: number): BlobRecord[] {
    const { rows, vault } = this.#parts;
    const wrong = (["private", "community", "public"] as const).map(
      (visibility) => `(visibility = '${visibility}' AND sealed = ${vault.seals(visibility) ? 0 : 1})`,
    );
    return rows.all<BlobRecord>(`SELECT * FROM blob WHERE staged = 0 AND (${wrong.join(" OR ")}) ORDER BY id LIMIT ?`, limit);
  }
}
