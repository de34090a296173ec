/**
 * Room `discovery`, floor 4: turns an address into a verified peer and keeps it fresh. A hint is never trusted: what counts is the signed manifest
 * behind it.
 *
 * @example
 * const peers = openPeers({ path, nodeId, clock, random, log, link, bus, community, networks });
 * await peers.add({ transport: "https", host: "192.0.2.25", port: 7080 });
 * const lan = await openLan({ network, facts, hint: (hint) => peers.hint(hint), mdns: true, udp: true, ...rest });
 */
export type { LanFacts } from "./lan/facts.ts";
export { openLocalNetwork } from "./lan/local-network.ts";
export { openLan } from "./lan/open.ts";
export { openPeers, type PeersOptions } from "./peers.ts";
