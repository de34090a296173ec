/** `file.browse@1.0`: everything that is here, for this node's own people. `file.list` of spec 30 shows nothing private and no names. */
import type { NodeId, Visibility } from "@hearthnet/sdk-plugin";
import type { KeptForOthers } from "../replicate/index.ts";
import type { BlobRow, Browsed, Origin, Store } from "../store/index.ts";

export interface BrowseItem {
  cid: string;
  size_bytes: number;
  filename?: string;
  mime_type?: string;
  visibility: Visibility;
  pinned: boolean;
  complete: boolean;
  origin: Origin;
  /** Unix milliseconds. */
  created_at: number;
  /** Nodes that hold it besides this one, as far as the community's log says. */
  holders: NodeId[];
  /** How many nodes are to hold it in all; 0: nobody looks after copies. */
  wanted_copies: number;
}

export interface BrowseOutput {
  items: BrowseItem[];
  next?: string;
  used_bytes: number;
  /** That still fit in. */
  free_bytes: number;
  /** Used and free. */
  limit_bytes: number;
  max_blob_bytes: number;
  default_visibility: Visibility;
  /** Private files are locked, and not among the items. */
  locked: boolean;
  replication: KeptForOthers;
}

export interface BrowseDeps {
  store: Store;
  holders: (cid: string) => ReadonlySet<string>;
  self: string;
  config: () => { desired_copies: number; max_blob_bytes: number; default_visibility: Visibility };
  replication: () => Promise<KeptForOthers>;
}

const PAGE = 50;
const HOLDERS_MAX = 64;

/** Newest first. @param input.query  part of a name, or the beginning of an id */
export async function browse(input: { query?: string; after?: string; limit?: number }, deps: BrowseDeps): Promise<BrowseOutput> {
  const { store, config } = deps;
  const { desired_copies, max_blob_bytes, default_visibility } = config();
  const { query, after, limit = PAGE } = input;
  const [found, freeBytes, replication]: [Browsed, number, KeptForOthers] = await Promise.all([
    store.browse({
      limit,
      ...(query === undefined ? {} : { query }),
      ...(after === undefined ? {} : { before: Number(after) }),
    }),
    store.freeBytes(),
    deps.replication(),
  ]);
  const usedBytes = store.usedBytes();
  return {
    items: found.rows.map((row) => itemOf(row, { ...deps, desiredCopies: desired_copies })),
    ...(found.next === null ? {} : { next: String(found.next) }),
    used_bytes: usedBytes,
    free_bytes: freeBytes,
    limit_bytes: usedBytes + freeBytes,
    max_blob_bytes,
    default_visibility,
    locked: store.locked(),
    replication,
  };
}

function itemOf(row: BlobRow, { holders, self, desiredCopies }: BrowseDeps & { desiredCopies: number }): BrowseItem {
  const { cid, size_bytes, filename, mime_type, visibility, pinned, complete, origin, created_at } = row;
  // Who else has what lies here as somebody's own is nobody's business, and nothing that the log could tell.
  const shared = visibility !== "private";
  return {
    cid,
    size_bytes,
    ...(filename === undefined ? {} : { filename }),
    ...(mime_type === undefined ? {} : { mime_type }),
    visibility,
    pinned,
    complete,
    origin,
    created_at,
    holders: shared ? [...holders(cid)].filter((node) => node !== self).slice(0, HOLDERS_MAX) : [],
    wanted_copies: shared && pinned ? desiredCopies : 0,
  };
}
