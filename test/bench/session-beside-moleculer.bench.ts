import { ServiceBroker, type BrokerOptions } from "moleculer";
import { freePort } from "../support/free-port.ts";
import type { BenchResult } from "./measure.ts";
import { besideRival, type Rival } from "./peer-session/beside.ts";
import { BODY } from "./signed-http/letter.ts";
import { startOther } from "./two-nodes.ts";

/**
 * CPU per call on a peer session under seals, 64 in flight, beside moleculer's TCP transporter. Ours runs over TLS, proves every frame and signs;
 * theirs does nothing of that. Both processes count. @source network.md §8 B4
 */
export const name = "session-beside-moleculer";

export const run = (): Promise<BenchResult> => besideRival(openMoleculer);

async function openMoleculer(): Promise<Rival> {
  const urls = [`127.0.0.1:${await freePort()}/caller`, `127.0.0.1:${await freePort()}/called`].join(",");
  const called = await startOther("peer-session/moleculer-node.ts", [urls, "called"]);
  const transporter: BrokerOptions["transporter"] = { type: "TCP", options: { udpDiscovery: false, urls } };
  const broker = new ServiceBroker({ nodeID: "caller", logger: false, requestTimeout: 30_000, transporter });
  await broker.start();
  await broker.waitForServices("bench", 20_000);
  return {
    call: () => broker.call("bench.echo", BODY.input),
    pids: [called.pid],
    stop: async () => {
      await broker.stop();
      await called.stop();
    },
  };
}
