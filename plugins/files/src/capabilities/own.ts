/** What only this node's operator and its plugins may do: stat, pin, unpin, delete, share. @source 30 §2 */
import type { JsonObject, Visibility } from "@hearthnet/sdk-plugin";
import { notHere } from "../refusal.ts";
import type { Store } from "../store/index.ts";

export interface Stat {
  have: boolean;
  complete: boolean;
  missing: number[];
  pinned: boolean;
  visibility: Visibility;
  size_bytes: number;
  mime_type?: string;
  filename?: string;
  meta?: JsonObject;
  encrypted: boolean;
  replicas?: number;
}

/** @param replicas  nodes that hold it, as far as is known; undefined when nothing is */
export function stat(cid: string, store: Store, replicas: (cid: string) => number | undefined): Stat {
  const row = store.stat(cid, "own");
  if (row === null) throw notHere();
  const { complete, pinned, visibility, size_bytes, mime_type, filename, meta, sealed } = row;
  const known = visibility === "private" ? undefined : replicas(cid);
  return {
    have: true,
    complete,
    missing: store.missing(cid),
    pinned,
    visibility,
    size_bytes,
    ...(mime_type === undefined ? {} : { mime_type }),
    ...(filename === undefined ? {} : { filename }),
    ...(meta === undefined ? {} : { meta }),
    encrypted: sealed,
    ...(known === undefined ? {} : { replicas: known }),
  };
}

export function pin(cid: string, pinned: boolean, store: Store): { pinned: boolean } {
  if (!store.pin(cid, pinned)) throw notHere();
  return { pinned };
}

export async function remove(cid: string, store: Store): Promise<{ deleted: boolean; freed_bytes: number }> {
  const { deleted, freedBytes } = await store.remove(cid);
  if (!deleted) throw notHere();
  return { deleted, freed_bytes: freedBytes };
}
