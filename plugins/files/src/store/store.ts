/** The store: blobs by their content, chunk by chunk, on a disk that may fail and in a process that may end at any moment. @source 30 §4 */
import type { Visibility } from "@hearthnet/sdk-plugin";
import type { Manifest } from "../cid/manifest.ts";
import { memberQuotaFull, refuse } from "../refusal.ts";
import type { Written } from "./files.ts";
import { IncomingBlob, bitmapOf } from "./incoming.ts";
import { insertBlob } from "./insert.ts";
import { Listing } from "./listing.ts";
import { manifestBytes, Reading, type Parts } from "./reading.ts";
import { dropBlob, sweepUnused, tidyManifests } from "./removal.ts";
import type { BlobRecord, ChunkRecord } from "./rows.ts";
import type { Reserved, Space } from "./space.ts";
import { addPart, takeIn } from "./take-in.ts";
import type { BlobFacts, BlobRow, Browsed, Change, Incoming, Origin, Store, Viewer } from "./types.ts";

/** Who sees least of those who will see it. */
const VIEWERS: Partial<Record<Visibility, Viewer>> = { public: "federated", community: "member" };

export interface StoreLimits {
  maxBlobBytes: number;
  quotaBytesPerMember: number;
}

export class BlobStore implements Store {
  readonly #parts: Parts;
  readonly #space: Space;
  readonly #limits: () => StoreLimits;
  readonly #reading: Reading;
  readonly #listing: Listing;
  readonly #listeners = new Set<(change: Change) => void>();
  /** Blobs that somebody is bringing at the moment, and those that have too few copies. */
  readonly #busy = new Map<number, number>();
  #guarded = new Set<string>();

  constructor(parts: Parts, o: { space: Space; limits: () => StoreLimits }) {
    this.#parts = parts;
    this.#space = o.space;
    this.#limits = o.limits;
    this.#reading = new Reading(parts);
    this.#listing = new Listing(parts, this.#reading);
  }

  hasChunk(cid: string, viewer: Viewer): boolean {
    const { rows, vault } = this.#parts;
    const row = rows.chunk(vault.names(cid));
    return row?.held === 1 && rows.sees(row.id, viewer);
  }

  async readChunk(cid: string, viewer: Viewer): Promise<Uint8Array | null> {
    const { rows, vault } = this.#parts;
    const row = rows.chunk(vault.names(cid));
    if (row?.held !== 1 || !rows.sees(row.id, viewer)) return null;
    return this.#reading.chunk(row, cid);
  }

  async manifest(cid: string, viewer: Viewer): Promise<Manifest | null> {
    const row = this.#rows(cid, viewer).find(({ complete }) => complete === 1);
    if (row === undefined) return null;
    this.#touch(row.id);
    return this.#reading.manifest(row, cid);
  }

  stat(cid: string, viewer: Viewer): BlobRow | null {
    const [first, ...more] = this.#rows(cid, viewer);
    if (first !== undefined) {
      const found = this.#listing.rowOf(first);
      // Whoever sees both is told of one that is whole.
      const whole = more.find(({ complete }) => complete === 1);
      return whole !== undefined && first.complete === 0 ? this.#listing.rowOf(whole) : found;
    }
    if (viewer === "own") this.#refuseWhenLocked();
    return null;
  }

  missing(cid: string): number[] {
    const all = this.#rows(cid, "own");
    const row = all.find(({ complete }) => complete === 1) ?? all[0];
    return row === undefined ? [] : this.#parts.rows.missing(row.id);
  }

  bitmap(cid: string): Uint8Array | null {
    const all = this.#rows(cid, "own");
    const row = all.find(({ complete }) => complete === 1) ?? all[0];
    return row === undefined ? null : bitmapOf(row.chunk_count, this.#parts.rows.missing(row.id));
  }

  complete(cid: string): boolean {
    return this.#rows(cid, "own").some(({ complete }) => complete === 1);
  }

  async receive(manifest: Manifest, facts: BlobFacts): Promise<Incoming> {
    const { rows, vault, tx } = this.#parts;
    const limits = this.#limits();
    if (manifest.size_bytes > limits.maxBlobBytes)
      throw refuse(
        "too_large",
        "The file is larger than this node takes. Split it, or ask whoever runs the node to raise the limit.",
      );
    const owner = facts.owner ?? null;
    const known = this.#same(manifest.cid, facts.visibility);
    // Whoever is not to learn that it lies here as somebody's own is asked for all of it.
    const hidden = owner !== null && known?.private === 1 && known.owner !== owner;
    const counted = known !== undefined && !hidden && (known.complete === 1 || known.owner === owner);
    if (!counted && owner !== null && rows.ownedBytes(owner) + manifest.size_bytes > limits.quotaBytesPerMember)
      throw memberQuotaFull();
    const room = await this.#space.keep(known === undefined ? this.#absentBytes(manifest) : rows.missingBytes(known.id));
    try {
      const sealed = known === undefined ? vault.seals(facts.visibility) : known.sealed === 1;
      const written = known?.complete === 1 ? null : await this.#writeManifest(manifest, sealed);
      try {
        const blobId = tx.durably(() => {
          written?.place();
          return known !== undefined && hidden ? known.id : this.#begin(manifest, facts, sealed);
        });
        this.#reading.forget(manifest.cid);
        return this.#incoming(blobId, manifest, { room, hidden });
      } finally {
        written?.discard();
      }
    } catch (error) {
      room.give();
      throw error;
    }
  }

  async incoming(cid: string, owner?: string | null): Promise<Incoming | null> {
    const { rows } = this.#parts;
    const row = this.#rows(cid, "own").find((one) => one.complete === 0 && (owner === undefined || one.owner === owner));
    if (row === undefined) return null;
    const manifest = await this.#reading.manifest(row, cid);
    if (manifest === null) return null;
    const room = await this.#space.keep(rows.missingBytes(row.id));
    return this.#incoming(row.id, manifest, { room, hidden: false });
  }

  async takeIn(
    source: AsyncIterable<Uint8Array>,
    facts: BlobFacts & { mime_type?: string; filename?: string },
  ): Promise<Manifest> {
    const { maxBlobBytes, quotaBytesPerMember } = this.#limits();
    const manifest = await takeIn(this.#parts, {
      source,
      facts,
      space: this.#space,
      maxBytes: maxBlobBytes,
      quotaBytes: quotaBytesPerMember,
    });
    this.#reading.forget(manifest.cid);
    this.#tellComplete(manifest, facts.visibility);
    return manifest;
  }

  list(o: { viewer: Viewer; prefix?: string; after?: string; limit: number }): string[] {
    return this.#listing.list(o);
  }

  browse(o: { query?: string; before?: number; limit: number }): Promise<Browsed> {
    return this.#listing.browse(o);
  }

  freeBytes(): Promise<number> {
    return this.#space.free();
  }

  shared(o: { pinned?: boolean; origin?: Origin } = {}): BlobRow[] {
    return this.#listing.shared(o);
  }

  pin(cid: string, pinned: boolean): boolean {
    const { rows, tx } = this.#parts;
    const all = this.#rows(cid, "own");
    if (all.length === 0) this.#refuseWhenLocked();
    tx.durably(() => {
      for (const { id } of all) rows.run("UPDATE blob SET pinned = ? WHERE id = ?", pinned ? 1 : 0, id);
    });
    return all.length > 0;
  }

  async share(cid: string, visibility: Visibility): Promise<boolean> {
    const { rows, tx } = this.#parts;
    const [row, ...others] = this.#rows(cid, "own").toSorted((a, b) => b.complete - a.complete);
    if (row === undefined) this.#refuseWhenLocked();
    if (row === undefined) return false;
    tx.durably(() => {
      // What lay here both as one's own and shared is one blob from now on.
      for (const other of others) {
        rows.run("UPDATE blob SET pinned = max(pinned, ?) WHERE id = ?", other.pinned, row.id);
        dropBlob(this.#parts, other);
      }
      rows.run("UPDATE blob SET visibility = ?, private = ? WHERE id = ?", visibility, visibility === "private" ? 1 : 0, row.id);
    });
    tidyManifests(
      this.#parts,
      others.map(({ name }) => name),
    );
    await sweepUnused(this.#parts);
    return true;
  }

  touch(cid: string): void {
    for (const { id } of this.#rows(cid, "own")) this.#touch(id);
  }

  guard(cids: Iterable<string>): void {
    this.#guarded = new Set(cids);
  }

  /** Ids of rows that must not be evicted now. */
  isHeldBack({ id, private: isPrivate }: BlobRecord, cid: string | undefined): boolean {
    return this.#busy.has(id) || (isPrivate === 0 && cid !== undefined && this.#guarded.has(cid));
  }

  async remove(cid: string): Promise<{ deleted: boolean; freedBytes: number }> {
    const all = this.#rows(cid, "own");
    if (all.length === 0) this.#refuseWhenLocked();
    return { deleted: all.length > 0, freedBytes: await this.drop(all, "delete") };
  }

  /** @returns bytes that are free now */
  async drop(blobs: readonly BlobRecord[], why: "delete" | "evicted"): Promise<number> {
    const gone = blobs.map((blob) => ({ blob, cid: this.#reading.label(blob)?.cid }));
    this.#parts.tx.durably(() => {
      for (const { blob } of gone) dropBlob(this.#parts, blob);
    });
    tidyManifests(
      this.#parts,
      blobs.map(({ name }) => name),
    );
    const freed = await sweepUnused(this.#parts);
    for (const { blob, cid } of gone) {
      if (cid === undefined) continue;
      this.#reading.forget(cid);
      if (blob.private === 0 && blob.complete === 1) this.#tell({ kind: "gone", cid, size_bytes: blob.size_bytes, why });
    }
    return freed;
  }

  on(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  usedBytes(): number {
    return this.#parts.rows.usedBytes();
  }

  /** Complete ones, whoever sees them. */
  count(): number {
    const sql = "SELECT count(*) AS n FROM blob WHERE complete = 1 AND staged = 0";
    return this.#parts.rows.get<{ n: number }>(sql)?.n ?? 0;
  }

  locked(): boolean {
    return this.#parts.vault.locked;
  }

  labelOf(blob: BlobRecord): ReturnType<Reading["label"]> {
    return this.#reading.label(blob);
  }

  /** For those who change how things lie on the disk. */
  get reading(): Reading {
    return this.#reading;
  }

  #incoming(blobId: number, manifest: Manifest, { room, hidden }: { room: Reserved; hidden: boolean }): Incoming {
    const row = this.#parts.rows.blob(blobId);
    this.#busy.set(blobId, (this.#busy.get(blobId) ?? 0) + 1);
    let open = true;
    const give = (): void => {
      room.give();
      if (!open) return;
      open = false;
      const left = (this.#busy.get(blobId) ?? 1) - 1;
      if (left > 0) this.#busy.set(blobId, left);
      else this.#busy.delete(blobId);
    };
    return new IncomingBlob({
      parts: this.#parts,
      blobId,
      owner: row?.owner ?? null,
      clientId: row?.client_id ?? null,
      lastByteAt: row?.last_byte_at ?? this.#parts.now(),
      manifest,
      hidden,
      room: { spend: (bytes) => room.spend(bytes), give },
      onComplete: () => this.#tellComplete(manifest, row?.visibility ?? "private"),
    });
  }

  /** Where there is one already, it stays as it is and only what was said anew is added. */
  #begin(manifest: Manifest, facts: BlobFacts, sealed: boolean): number {
    const { rows, vault, now } = this.#parts;
    const { cid, chunks, size_bytes, mime_type, filename } = manifest;
    const owner = facts.owner ?? null;
    const known = this.#same(cid, facts.visibility);
    if (known !== undefined) {
      if (facts.pin === true) rows.run("UPDATE blob SET pinned = 1 WHERE id = ?", known.id);
      if (known.complete === 0)
        rows.run(
          "UPDATE blob SET owner = ?, client_id = ?, last_byte_at = ? WHERE id = ?",
          owner,
          facts.clientId ?? null,
          now(),
          known.id,
        );
      return known.id;
    }
    const name = vault.name(cid, sealed);
    const label = vault.packLabel(name, sealed, {
      cid,
      ...(mime_type === undefined ? {} : { mime_type }),
      ...(filename === undefined ? {} : { filename }),
      ...(facts.meta === undefined ? {} : { meta: facts.meta }),
    });
    const blobId = insertBlob(
      this.#parts,
      { name, sealed, staged: false, facts, chunkCount: chunks.length, sizeBytes: size_bytes },
      label,
    );
    // What those who will see the blob cannot read here must be brought anew, whoever brings it: otherwise a list of ids of
    // somebody's own chunks, fetched or put as a shared file, would share them.
    const viewer = VIEWERS[facts.visibility] ?? (owner === null ? "own" : "member");
    const ready = ({ id }: ChunkRecord): boolean => rows.sees(id, viewer);
    for (const { i, cid: chunkCid, size_bytes: sizeBytes } of chunks)
      addPart(this.#parts, { blobId, i, cid: chunkCid, sealed, sizeBytes, ready });
    return blobId;
  }

  async #writeManifest(manifest: Manifest, sealed: boolean): Promise<Written> {
    const { files, vault } = this.#parts;
    const bytes = vault.packManifest(manifest.cid, sealed, manifestBytes(manifest));
    return files.write(vault.name(manifest.cid, sealed), "manifest.json", bytes);
  }

  #absentBytes({ chunks }: Manifest): number {
    const { rows, vault } = this.#parts;
    const absent = new Map<string, number>();
    for (const { cid, size_bytes } of chunks)
      if (!absent.has(cid) && rows.chunk(vault.names(cid))?.held !== 1) absent.set(cid, size_bytes);
    return [...absent.values()].reduce((sum, size) => sum + size, 0);
  }

  /** What lies here under the id as somebody's own, or as shared. */
  #same(cid: string, visibility: Visibility): BlobRecord | undefined {
    return this.#rows(cid, "own").find((row) => (row.private === 1) === (visibility === "private"));
  }

  #rows(cid: string, viewer: Viewer): BlobRecord[] {
    const { rows, vault } = this.#parts;
    return rows.blobs(vault.names(cid), viewer);
  }

  #touch(id: number): void {
    this.#parts.rows.run("UPDATE blob SET last_access = ? WHERE id = ?", this.#parts.now(), id);
  }

  /** As long as something is locked nobody can say that it is not what was asked for. */
  #refuseWhenLocked(): void {
    const { rows, vault } = this.#parts;
    if (!vault.locked || rows.get("SELECT 1 FROM blob WHERE sealed = 1 LIMIT 1") === undefined) return;
    throw refuse("locked", "Private files are locked on this node. Open the store with its passphrase on the plugin's page.");
  }

  #tellComplete({ cid, size_bytes }: Manifest, visibility: Visibility): void {
    if (visibility !== "private") this.#tell({ kind: "complete", cid, size_bytes, why: "put" });
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}
