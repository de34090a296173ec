/** Real nodes in networks of their own: how they find each other and what a cut does to them. @source network.md §4, §7 "Real sockets" */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PeerExplanation } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { startNode } from "../support/live-node.ts";
import { Lane, noNetworks } from "../support/namespaces.ts";
import { invited, LIMIT_MS, moveIn, portOf, rowOf, sees, type Resident } from "./residents.ts";

const STREET = "10.77.1";
const skip = noNetworks;

describe("neighbours on one network", () => {
  it(
    "see each other without a word from anybody, as strangers, by mDNS and by packets; a goodbye is noticed",
    { skip },
    async (t) => {
      const lane = new Lane(t);
      const houses = [2, 3, 4].map((host) => lane.house({ street: STREET, host }));
      const all = await Promise.all(houses.map((house) => moveIn(t, house)));
      for (const { node: at } of all)
        for (const { node: of, house } of all) {
          if (at === of) continue;
          const peer = await sees(at, of, { state: "stranger", sources: ["mdns", "udp"], host: house.address, port: portOf(of) });
          assert.equal(peer.online, true);
          assert.ok(peer.rtt_ms !== null);
        }
      const [first, second] = all as [Resident, Resident, Resident];
      const told = await first.node.ask<PeerExplanation>(["peer", "explain", second.node.ready.node_id]);
      assert.deepEqual([...new Set(told.addresses.map(({ reach }) => reach))], ["near"]);
      assert.ok(told.evidence.every(({ detail }) => detail.includes(second.house.address)));
      const left = performance.now();
      await second.node.stop();
      await until("it is not listed any more", async () => (await rowOf(first.node, second.node)) === undefined, LIMIT_MS);
      process.stdout.write(`figure: a neighbour that said goodbye was gone after ${Math.round(performance.now() - left)} ms\n`);
    },
  );

  it("find a member again that has another address and another port, without an invitation", { skip }, async (t) => {
    const lane = new Lane(t);
    const [one, two] = [lane.house({ street: STREET, host: 2 }), lane.house({ street: STREET, host: 3 })];
    const first = await moveIn(t, one);
    let second = await moveIn(t, two);
    await first.node.ask(["community", "create", "Mill Street"]);
    await invited(first.node, second.node);
    await sees(first.node, second.node, { state: "verified", host: two.address, port: portOf(second.node) });
    await sees(second.node, first.node, { state: "verified", host: one.address, port: portOf(first.node) });
    await second.node.stop();
    lane.renumber(two, 77);
    const from = performance.now();
    second = await moveIn(t, two, { dataDir: second.node.dataDir });
    await sees(first.node, second.node, { state: "verified", host: two.address, port: portOf(second.node) });
    await sees(second.node, first.node, { state: "verified", host: one.address });
    process.stdout.write(
      `figure: found at its new address ${((performance.now() - from) / 1000).toFixed(1)} s after its start began\n`,
    );
  });

  it("that were told to be silent are silent, and hear nothing", { skip }, async (t) => {
    const lane = new Lane(t);
    const [one, two] = [lane.house({ street: STREET, host: 2 }), lane.house({ street: STREET, host: 3 })];
    const loud = await moveIn(t, one);
    const silent = await startNode(t, { within: two.prefix });
    const third = await moveIn(t, lane.house({ street: STREET, host: 4 }));
    await sees(loud.node, third.node, { state: "stranger" });
    await sees(third.node, loud.node, { state: "stranger" });
    assert.equal(await rowOf(loud.node, silent), undefined);
    assert.deepEqual(await silent.ask(["peer", "list"]), []);
  });
});
