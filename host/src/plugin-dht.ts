import { isIP } from "node:net";
import type { DhtEndpoint, DhtKind, DhtValue, NodeId, PluginDht } from "./contract/index.ts";
import type { DhtAdverts } from "./dht-adverts.ts";

/** Places of one community, and holders of one file, that a plugin is told of. */
const FOUND_MAX = 64;

/**
 * The DHT as plugins reach it.
 * @param o.admits  which addresses may be dialled because of what strangers say
 * @param o.meet  makes it likelier that those can be called; resolves when it has done what it can
 * @source 06 §7, H-11
 */
export function pluginDht(o: {
  self: NodeId;
  advertises: boolean;
  adverts: DhtAdverts;
  find: (kind: DhtKind, subject: string) => Promise<DhtValue[]>;
  admits: (address: string) => boolean;
  meet: (nodes: readonly NodeId[]) => Promise<void>;
}): PluginDht {
  return {
    advertises: o.advertises,
    async findCommunity(id) {
      const found = new Map<string, DhtEndpoint>();
      for (const { payload } of await o.find("community", id)) {
        if (payload.kind !== "community") continue;
        for (const { host, port } of payload.endpoints)
          if (isIP(host) === 0 || o.admits(host)) found.set(`${host} ${port}`, { transport: "https", host, port });
      }
      return [...found.values()].slice(0, FOUND_MAX);
    },
    async findSources(cid) {
      const values = await o.find("cid", cid);
      const nodes = values.map(({ payload }) => payload.node_id).filter((node) => node !== o.self);
      await o.meet(nodes);
      return nodes.slice(0, FOUND_MAX);
    },
    openAdverts: () => o.adverts.open(),
  };
}
