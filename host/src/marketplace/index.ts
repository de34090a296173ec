/**
 * Room `marketplace`, floor 6: brings signed packages in. Reads TUF registries, verifies every byte, keeps the store, asks for consent, hands
 * releases to the runtime.
 *
 * @example
 * const marketplace = await openMarketplace({ dataDir, runtime, clock, newUlid, log, registries, hostVersion, buildTime, allowDevRoot });
 * const review = await marketplace.review("hearthnet/ocr");
 * await marketplace.install({ id: review.id, reviewDigest: review.reviewDigest, grants: "all", grantedBy: "operator" });
 */
export { openDevDesk } from "./dev/desk.ts";
export { openMarketplace } from "./open.ts";
export type { Neighbour, Neighbours } from "./source/mesh.ts";
export type { MarketplaceOptions, NodeMarketplace, RegistrySource, RegistryState } from "./options.ts";
