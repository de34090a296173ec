import type { FileItem } from "@hearthnet/host/contract";
import { shortId } from "#lib/identity/node-id.ts";
import { t } from "#lib/i18n/locale.svelte.ts";

export const CID = /^blake3:[0-9a-f]{64}$/;

/** As much of an id as tells two files apart. */
export function shortCid(cid: string): string {
  return cid.slice("blake3:".length, "blake3:".length + 12);
}

/** What the page calls a file. */
export function nameOf({ cid, filename }: Pick<FileItem, "cid" | "filename">): string {
  return filename ?? `${t().files.noName} (${shortCid(cid)})`;
}

export function holderNames({ holders }: Pick<FileItem, "holders">): string[] {
  return holders.map(({ node_id, display_name }) => display_name || shortId(node_id));
}
