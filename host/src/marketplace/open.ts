import { HnError } from "../foundation/index.ts";
import type { MarketplaceOptions, NodeMarketplace } from "./options.ts";

/**
 * Opens the store and the catalogue as last verified; reaches for no network.
 * @throws bad_request when two registries claim one namespace, or a root file cannot be used
 */
export async function openMarketplace(options: MarketplaceOptions): Promise<NodeMarketplace> {
  await Promise.resolve(options);
  throw new HnError("not_implemented");
}
