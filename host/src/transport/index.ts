/**
 * Room `transport`, floor 4: moves authenticated bytes between nodes. A listener whose pipeline settles who calls before the bus hears of it,
 * and a link that calls neighbours, pinned to their keys.
 *
 * @example
 * const listener = await openListener({ signer, tls: await keystore.tls(), bus, community, manifest, ready, clock, log, dataDir, port: 7080 });
 * const link = createLink({ signer, communityId: () => community.communityId(), standing: (node) => community.standing(node), clock });
 * const manifest = await link.fetchManifest({ transport: "https", host: "192.168.1.20", port: 7080 });
 */
export { openListener, type Listener, type ListenerOptions } from "./listener.ts";
export type { DhtDesk } from "./http/dht-route.ts";
export { createDhtWire } from "./outbound/dht-wire.ts";
export { createLink, type Link } from "./outbound/link.ts";
export { readProof } from "./session/proof.ts";
export type { CommunityDoor } from "./http/room.ts";
export { MountTable, routeTaken } from "./mounts/table.ts";
export { headersIn, headersOut, INERT } from "./mounts/headers.ts";
