import { MarketplaceRoom } from "./marketplace.ts";
import type { MarketplaceOptions, NodeMarketplace } from "./options.ts";

/**
 * Opens the store and the catalogue as last verified; reaches for no network.
 * @throws bad_request when two registries claim one namespace, or a root file cannot be used · unauthorized policy for a development root in a release
 */
export async function openMarketplace(options: MarketplaceOptions): Promise<NodeMarketplace> {
  const room = new MarketplaceRoom(options);
  await room.openLast();
  return room;
}
