/**
 * Room `community`, floor 2: keeps the signed event log of one community and what follows from it: members, levels, invitations, revocations.
 *
 * @example
 * const community = openCommunity({ dataDir, signer, clock, newUlid, log, displayName: () => "Küche", manifest });
 * const { rootKeyFile } = await community.create({ name: "Niederrhein", rootPassphrase: "…" });
 * community.levelOf(signer.nodeId); // "anchor"
 */
export { openCommunity } from "./community.ts";
export { compareEvents } from "./log/shape.ts";
export { Gossip } from "./sync/gossip.ts";
