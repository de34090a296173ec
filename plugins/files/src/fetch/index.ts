/** Bringing blobs from other nodes. @source 30 §5 */
import { HnError, type Ctx, type Frame, type NodeId } from "@hearthnet/sdk-plugin";
import type { DatabaseSync } from "node:sqlite";
import type { Hasher } from "../cid/blake3.ts";
import type { FilesConfig } from "../config.ts";
import type { Store } from "../store/index.ts";

export interface FetchWish {
  cid: string;
  sources: NodeId[];
  priority: "low" | "normal" | "high";
  signal: AbortSignal;
}

export interface FetchDone {
  cid: string;
  size_bytes: number;
  sources: NodeId[];
  ms: number;
}

export interface Fetching {
  /** Frames `progress`; the return value is the summary. @throws partition when no source could give it */
  fetch(wish: FetchWish): AsyncGenerator<Frame, FetchDone, void>;
  /** A node says that it has these. @returns how many were new or refreshed */
  advertised(node: NodeId, cids: readonly string[]): number;
}

/** What the rooms of this plugin that reach out are given. */
export interface Outward {
  ctx: Ctx;
  db: DatabaseSync;
  store: Store;
  hasher: Hasher;
  config: () => FilesConfig;
}

/** Stands here until its room is built. */
export function openFetching(_outward: Outward): Fetching {
  return {
    fetch: () => {
      throw new HnError("not_implemented");
    },
    advertised: () => 0,
  };
}
