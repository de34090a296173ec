import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DhtValue, NodeId } from "../../src/contract/index.ts";
import { contactOf, peerOf, type Peer } from "../../src/dht/contact.ts";
import { compareDistance } from "../../src/dht/distance.ts";
import { lookup, type Answer } from "../../src/dht/lookup.ts";
import { ManualClock } from "../../src/foundation/index.ts";
import { importSeed } from "../../src/identity/index.ts";

const TARGET = new Uint8Array(32);
const { nodeId: SELF } = importSeed(new Uint8Array(32).fill(200));
/** Nearest to the target first. */
const PEERS: Peer[] = Array.from({ length: 8 }, (_, n) =>
  peerOf({
    node_id_full: importSeed(new Uint8Array(32).fill(n + 1)).nodeId,
    endpoint: { host: `203.0.${n}.1`, port: 7080 },
  }),
).toSorted((a, b) => compareDistance(TARGET, a.id, b.id));
const VALUE = { key: "what was sought" } as unknown as DhtValue;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A lookup among `PEERS`; those whose place is listed say nothing until the lookup ends. */
function seek(o: { silent: number[]; having: number[]; without?: number[] }): {
  clock: ManualClock;
  asked: NodeId[];
  done: ReturnType<typeof lookup>;
} {
  const clock = new ManualClock();
  const asked: NodeId[] = [];
  const done = lookup({
    target: TARGET,
    self: SELF,
    start: PEERS.slice(0, 4),
    ...(o.without && { without: o.without.map((place) => PEERS[place]?.nodeId ?? SELF) }),
    width: PEERS.length,
    alpha: 3,
    paths: 1,
    clock,
    forValues: true,
    admits: () => true,
    ask: (peer, signal): Promise<Answer> => {
      asked.push(peer.nodeId);
      const place = PEERS.indexOf(peer);
      if (!o.silent.includes(place))
        return Promise.resolve({ closer: PEERS.map(contactOf), values: o.having.includes(place) ? [VALUE] : [] });
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
    },
  });
  return { clock, asked, done };
}

describe("a lookup", () => {
  it("that has found waits half a second for who is silent, and no longer", async () => {
    const { clock, done } = seek({ silent: [0, 1], having: [2] });
    let isOver = false;
    void done.then(() => (isOver = true));
    await turn();
    clock.advance(499);
    await turn();
    assert.ok(!isOver, "they may still answer");
    clock.advance(1);
    await turn();
    assert.ok(isOver);
    assert.deepEqual((await done).values, [VALUE]);
  });

  it("that has found nothing waits for them as long as it may", async () => {
    const { clock, done } = seek({ silent: [0], having: [] });
    let isOver = false;
    void done.then(() => (isOver = true));
    clock.advance(600);
    await turn();
    clock.advance(9000);
    await turn();
    assert.ok(!isOver);
    clock.advance(1000);
    assert.deepEqual(
      { ...(await done), closest: [], lacking: undefined, empty: [] },
      { values: [], closest: [], lacking: undefined, empty: [], questions: 8, cutShort: true },
    );
  });

  it("says who answered and had nothing, and asks nobody who is to be left out, whoever names them", async () => {
    const without = [1, 5];
    const { asked, done } = seek({ silent: [], having: [], without });
    const { empty } = await done;
    const others = PEERS.filter((_, place) => !without.includes(place)).map(({ nodeId }) => nodeId);
    assert.deepEqual(asked.toSorted(), others.toSorted());
    assert.deepEqual(empty.toSorted(), others.toSorted());
  });

  it("asks a whole round after the first hit, so that several holders are seen, and then ends", async () => {
    const { asked, done } = seek({ silent: [], having: [0, 2, 4, 6] });
    const { values } = await done;
    assert.ok(values.length >= 2);
    assert.ok(asked.length < PEERS.length, `${asked.length} were asked`);
  });
});
