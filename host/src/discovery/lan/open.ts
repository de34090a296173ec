import type { Clock, LocalNetwork, Log, PeerHint, Random } from "../../contract/index.ts";
import { Beacon } from "./beacon.ts";
import type { LanFacts } from "./facts.ts";
import { Responder } from "./responder.ts";

export interface LanOptions {
  clock: Clock;
  random: Random;
  log: Log;
  network: LocalNetwork;
  facts: () => LanFacts;
  neighbours: () => number;
  emergency: () => boolean;
  hint: (hint: PeerHint) => void;
  mdns: boolean;
  udp: boolean;
}

/**
 * Lets this node be found on its own networks, and finds others there. A port that cannot be had costs one of the two ways and a line in the
 * log, not the node.
 */
export async function openLan(o: LanOptions): Promise<{ close(): Promise<void> }> {
  const ways = [...(o.mdns ? [new Responder(o)] : []), ...(o.udp ? [new Beacon(o)] : [])];
  const open: { close(): void | Promise<void> }[] = [];
  for (const way of ways) {
    try {
      await way.start();
      open.push(way);
    } catch (error) {
      o.log.warn("neighbours cannot be looked for this way", { way: way instanceof Beacon ? "udp" : "mdns", error });
    }
  }
  return {
    async close() {
      for (const way of open) await way.close();
    },
  };
}
