/**
 * Room `dht`, floor 4: a cache of signed hints between nodes that need not know each other. Off unless the operator switches it on.
 *
 * @example
 * const dht = new Dht(nodeId, ports, config);
 * await dht.join(bootstrap);
 * const holders = await dht.findValues("cid", cid);
 */
export { contactsIn } from "./contact.ts";
export { Dht, type DhtConfig, type DhtPorts, type Outgoing } from "./dht.ts";
export { openValueShelf } from "./shelf.ts";
