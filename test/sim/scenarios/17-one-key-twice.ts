import assert from "node:assert/strict";
import { ask, offerEcho } from "../echo.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";

export const oneKeyTwice: Scenario = {
  row: 17,
  name: "a copied folder runs as a second process with the same key",
  pass: "one session survives and the operators on both ends are told; it changes hands only when the first one is gone",
  sessions: true,
  run: async (world, tell) => {
    const [, ben, cem] = (await world.village(["anna", "ben", "cem"])) as [SimNode, SimNode, SimNode];
    offerEcho(ben);
    offerEcho(cem);
    await world.pass(60_000);
    await world.settled(ask(cem, { n: 0, node: ben }));
    const twin = await world.copyOf(cem);
    const boots = new Set<string>();
    let changes = 0;
    let last = ben.sessions.live(cem.nodeId)?.established.peerBoot;
    let [first, second] = [0, 0];
    const round = async (n: number): Promise<void> => {
      await world.settled(
        ask(cem, { n, node: ben, timeoutMs: 5000 })
          .then(() => (first += 1))
          .catch(() => 0),
      );
      await world.settled(
        ask(twin, { n, node: ben, timeoutMs: 5000 })
          .then(() => (second += 1))
          .catch(() => 0),
      );
      await world.pass(5000);
      const now = ben.sessions.live(cem.nodeId)?.established.peerBoot;
      if (now !== undefined) boots.add(now);
      if (now !== undefined && last !== undefined && now !== last) changes += 1;
      last = now ?? last;
    };
    for (let n = 1; n <= 24; n += 1) await round(n);
    assert.equal(changes, 0, "the session went from one process to the other");
    assert.equal(boots.size, 1);
    assert.equal(first, 24, "the first goes on as if nothing had been");
    assert.equal(second, 0, "the other is not served under this name");
    assert.deepEqual(ben.sessions.conflicts(), [{ node: cem.nodeId, own: false }], "the neighbour's operator is told");
    assert.deepEqual(twin.sessions.conflicts(), [{ node: cem.nodeId, own: true }], "and the one whose key it is");
    await cem.kill({ unheard: true });
    for (let n = 30; n < 54 && second === 0; n += 1) {
      await world.settled(
        ask(twin, { n, node: ben, timeoutMs: 5000 })
          .then(() => (second += 1))
          .catch(() => 0),
      );
      await world.pass(5000);
    }
    assert.ok(second > 0, "once the first is gone, the other takes its place");
    tell(`${first} calls by the first, 0 by the second until the first was gone; no switch in two minutes`);
  },
};
