/** Files by their content as this node's own people reach them. @source 30, plugin-platform §3.3 */
import type { Visibility } from "./commons.ts";
import type { Principal } from "./bus.ts";
import type { LocalError } from "./errors.ts";
import type { NodeId } from "./ids.ts";

/** What is said of a file beside its bytes; the name is for people only. */
export interface FileFacts {
  visibility: Visibility;
  filename?: string;
  mime?: string;
}

/** Bytes on their way out, at most 256 KiB at a time. The last piece comes only when all of them are proven to be what the id names. */
export interface OpenFile extends FileFacts {
  size: number;
  bytes: AsyncGenerator<Uint8Array, void, void>;
}

/** The plugin with the role `blob-store`, asked by the operator. @throws not_implemented reason blob_store_missing */
export interface FileKeeper {
  /** Whose plugin serves the role now; null: none. */
  keeper(): string | null;
  /**
   * Stores bytes as they come; when `source` breaks off, nothing is kept.
   * @throws capacity_exceeded reason disk_full | locked · bad_request reason too_large · internal_error reason blob_altered
   */
  put(source: AsyncIterable<Uint8Array>, facts: FileFacts, o: FileCall): Promise<{ cid: string; size: number }>;
  /** @throws not_found */
  open(cid: string, o: FileCall): Promise<OpenFile>;
}

export interface FileCall {
  /** Who asks: this node's operator. */
  caller: Principal;
  signal: AbortSignal;
  traceId: string;
}

/** A node that holds a file, as the page names it. */
export interface FileHolder {
  node_id: NodeId;
  /** Empty where unknown. */
  display_name: string;
}

/** One row of `/files`. */
export interface FileItem {
  cid: string;
  size_bytes: number;
  filename?: string;
  mime_type?: string;
  visibility: Visibility;
  pinned: boolean;
  /** False: parts of it are still missing here. */
  complete: boolean;
  /** How it came here: stored here, fetched by somebody here, or kept for others. */
  origin: "put" | "fetched" | "replica";
  /** Unix milliseconds. */
  created_at: number;
  /** Besides this node. */
  holders: FileHolder[];
  /** How many nodes are to hold it in all; 0: nobody looks after copies. */
  wanted_copies: number;
}

/** `GET /files`. Without a plugin in the role `blob-store`: `keeper` null and nothing else but what could take it. */
export interface FilesPage {
  keeper: string | null;
  /** Installed plugins that can keep files. */
  candidates: string[];
  items: FileItem[];
  next?: string;
  store?: {
    used_bytes: number;
    /** That still fit in. */
    free_bytes: number;
    /** Used and free. */
    limit_bytes: number;
    max_blob_bytes: number;
    default_visibility: Visibility;
    /** Private files are locked, and not among the items. */
    locked: boolean;
    /** What it does for others' files; absent where it does nothing. */
    replication?: KeptForOthers;
  };
}

/** @source 30 §6 */
export interface KeptForOthers {
  /** It takes copies of neighbours' files. */
  accepts: boolean;
  kept_bytes: number;
  budget_bytes: number;
  /** No faster than this, kilobits each second. */
  kbps: number;
  /** Nothing is asked for and nothing taken: the link is metered and the internet is gone. */
  resting: boolean;
}

/** Answer to `POST /uploads`. */
export interface UploadDone {
  cid: string;
  size_bytes: number;
  type: string;
}

/** A line of `POST /files/fetch`. */
export type FetchLine =
  | { event: "progress"; data: { current: number; total: number; stage: string } }
  | { event: "done"; data: { cid: string; size_bytes: number; sources: NodeId[]; ms: number } }
  | { event: "error"; data: LocalError };
