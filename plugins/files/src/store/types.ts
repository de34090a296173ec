/** What the other rooms of this plugin see of the store. */
import type { JsonObject, Visibility } from "@hearthnet/sdk-plugin";
import type { Manifest } from "../cid/manifest.ts";

/** Of whom the store answers: what this one may see is there, everything else is not. @source 30 §3, F2 */
export type Viewer = "own" | "member" | "federated";

/** How a blob came here. Replicas are kept for others, and are what may go when there are too many. */
export type Origin = "put" | "fetched" | "replica";

/** What is known of a blob that is wholly or partly here. */
export interface BlobRow {
  cid: string;
  size_bytes: number;
  chunk_count: number;
  complete: boolean;
  visibility: Visibility;
  pinned: boolean;
  /** Lies encrypted on the disk. */
  sealed: boolean;
  /** Member who has put it here; null: this node. */
  owner: string | null;
  origin: Origin;
  /** Unix milliseconds. */
  created_at: number;
  last_access: number;
  mime_type?: string;
  filename?: string;
  /** JSON of at most 64 KiB that stays here. */
  meta?: JsonObject;
}

export interface BlobFacts {
  visibility: Visibility;
  origin: Origin;
  /** Default null: this node. Whoever is named must send every chunk that they could not read here anyway, and it counts against their quota. */
  owner?: string | null;
  /** Chosen by whoever puts it, so that nobody else goes on with it. */
  clientId?: string;
  pin?: boolean;
  meta?: JsonObject;
}

/** A blob on its way in. What was written stays, also after a crash; `store.incoming` goes on where it stopped. */
export interface Incoming {
  readonly manifest: Manifest;
  /** Places of chunks that are still wanted, ascending. */
  missing(): number[];
  /** One bit for each chunk, the first is the lowest of the first byte; set: it is here. */
  bitmap(): Uint8Array;
  /**
   * Verifies and stores a chunk; on disk when it resolves. One that is there already is taken and not written again.
   * @throws bad_request reason hash_mismatch · capacity_exceeded reason disk_full · not_found when the blob was deleted meanwhile
   */
  write(i: number, bytes: Uint8Array): Promise<void>;
  /** Makes it a whole blob, durably. @throws bad_request when chunks are missing */
  finish(): Promise<void>;
  /** Who may go on with it. */
  readonly owner: string | null;
  readonly clientId: string | null;
  /** When its last chunk came, or it was begun; Unix milliseconds. */
  readonly lastByteAt: number;
  /** Gives back the room that was set aside for it. What is here stays. Calling it twice is harmless. */
  close(): void;
}

export interface Change {
  kind: "complete" | "gone";
  cid: string;
  size_bytes: number;
  why: "put" | "delete" | "evicted";
}

/** A page of everything; `next` goes on after it. */
export interface Browsed {
  rows: BlobRow[];
  next: number | null;
}

export interface Store {
  /** Whether this viewer may have the chunk at this moment. */
  hasChunk(cid: string, viewer: Viewer): boolean;
  /** Verified; null when it is not here, not for this viewer, or was just found damaged (and is now missing everywhere). */
  readChunk(cid: string, viewer: Viewer): Promise<Uint8Array | null>;
  /** Of a complete blob. Counts as an access. */
  manifest(cid: string, viewer: Viewer): Promise<Manifest | null>;
  /** Wholly or partly here. @throws capacity_exceeded reason locked for `own` when the store is locked and it could be among what is locked */
  stat(cid: string, viewer: Viewer): BlobRow | null;
  missing(cid: string): number[];
  bitmap(cid: string): Uint8Array | null;
  complete(cid: string): boolean;
  /**
   * Begins or goes on with a blob.
   * @throws capacity_exceeded reason disk_full | member_quota_full | locked · bad_request reason too_large
   */
  receive(manifest: Manifest, facts: BlobFacts): Promise<Incoming>;
  /** What was begun, as it stands; null for what is unknown, complete or was given up. With `owner` only what that member has put, or this node itself. */
  incoming(cid: string, owner?: string | null): Promise<Incoming | null>;
  /** A stream whose id is known at its end. */
  takeIn(source: AsyncIterable<Uint8Array>, facts: BlobFacts & { mime_type?: string; filename?: string }): Promise<Manifest>;
  /** Ids of complete blobs that this viewer may see and that are not private, in order. */
  list(o: { viewer: Viewer; prefix?: string; after?: string; limit: number }): string[];
  /** Everything that this node's own people see, newest first; one row for each id. Staged ones and, when locked, sealed ones are left out. */
  browse(o: { query?: string; before?: number; limit: number }): Promise<Browsed>;
  /** Bytes that still fit in. */
  freeBytes(): Promise<number>;
  /** Complete, not private, of one origin or any; for those who count and look after copies. */
  shared(o?: { pinned?: boolean; origin?: Origin }): BlobRow[];
  /** @returns false for what is not here */
  pin(cid: string, pinned: boolean): boolean;
  /** @returns false for what is not here */
  share(cid: string, visibility: Visibility): Promise<boolean>;
  touch(cid: string): void;
  /** Not to be evicted for now: too few copies elsewhere. Forgotten with the process. @source 30 §4.4 */
  guard(cids: Iterable<string>): void;
  /** Everything of it that nobody else needs. */
  remove(cid: string): Promise<{ deleted: boolean; freedBytes: number }>;
  /** Called after a blob has become whole, and after one has gone. Not for private ones. @returns a function that ends it */
  on(listener: (change: Change) => void): () => void;
  /** Bytes of chunks that lie on the disk. */
  usedBytes(): number;
  locked(): boolean;
}
