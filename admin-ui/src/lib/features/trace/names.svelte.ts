import type { PeerRow } from "@hearthnet/host/contract";
import { get } from "#lib/api/client.ts";
import { Resource } from "#lib/api/resource.svelte.ts";
import { t } from "#lib/i18n/locale.svelte.ts";
import { shortId } from "#lib/identity/node-id.ts";
import { signIn } from "#lib/state/session.svelte.ts";

/** Names of the nodes that calls come from and go to; made while its component is. */
export class NodeNames {
  readonly peers: Resource<PeerRow[]> = new Resource(async () => (await get<{ items: PeerRow[] }>("/peers")).items);

  of(node: string): string {
    if (node === signIn.node?.node_id) return t().word.thisNode;
    return this.peers.data?.find((peer) => peer.node_id === node)?.display_name ?? shortId(node);
  }

  /** By whole id, for tables. */
  get all(): Record<string, string> {
    return Object.fromEntries((this.peers.data ?? []).map((peer) => [peer.node_id, peer.display_name]));
  }
}
