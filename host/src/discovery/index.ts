/**
 * Room `discovery`, floor 4: turns an address into a verified peer and keeps it fresh. A hint is never trusted: what counts is the signed manifest
 * behind it.
 *
 * @example
 * const peers = openPeers({ path, nodeId, clock, log, link, bus, community });
 * await peers.add({ transport: "https", host: "192.0.2.25", port: 7080 });
 */
export { openPeers, type PeersOptions } from "./peers.ts";
