import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { DhtValue, NodeId, PeerRow, Standing } from "../src/contract/index.ts";
import { HnError, ManualClock, silentLog } from "../src/foundation/index.ts";
import { meetHolders } from "../src/meet-holders.ts";

const [ANNA, BERT, EVE] = ["ed25519:anna", "ed25519:bert", "ed25519:eve"];

/** Anna and Bert are members, and out of reach. */
function world(o: { find?: (node: NodeId) => Promise<DhtValue[]> } = {}) {
  const clock = new ManualClock();
  const online = new Set<NodeId>();
  const heard = new Set<() => void>();
  const [asked, hinted]: [NodeId[], unknown[]] = [[], []];
  const place = (node: NodeId): DhtValue[] => [{ key: node } as DhtValue];
  const meeting = (nodes: NodeId[], most = 5): Promise<void> =>
    meetHolders(nodes, {
      most,
      clock,
      log: silentLog,
      peers: {
        list: () => [ANNA, BERT, EVE].map((node_id) => ({ node_id, online: online.has(node_id) }) as PeerRow),
        onChange: (listener) => {
          heard.add(listener);
          return () => heard.delete(listener);
        },
      },
      community: { standing: (node) => ({ kind: node === EVE ? "stranger" : "member" }) as Standing },
      find: (node) => {
        asked.push(node);
        return (o.find ?? (async () => place(node)))(node);
      },
      hint: (values) => void hinted.push(...values.map(({ key }) => key)),
    });
  const arrive = (node: NodeId): void => {
    online.add(node);
    for (const listener of heard) listener();
  };
  return { clock, online, heard, asked, hinted, meeting, arrive };
}

test("members that hold a file are looked for and waited for; strangers are not (06 §7)", async () => {
  const { asked, hinted, heard, meeting, arrive } = world();
  let over = false;
  const met = meeting([EVE, ANNA, BERT]).then(() => (over = true));
  await turn();
  assert.deepEqual(
    [asked, hinted],
    [
      [ANNA, BERT],
      [ANNA, BERT],
    ],
  );
  arrive(ANNA);
  await turn();
  assert.equal(over, false, "one of them is still away");
  arrive(BERT);
  await met;
  assert.equal(heard.size, 0);
});

test("nobody is waited for longer than three seconds, nor asked for who is there or beyond their number", async () => {
  const { clock, online, asked, meeting } = world();
  online.add(ANNA);
  await meeting([ANNA, EVE]);
  assert.deepEqual(asked, []);
  online.delete(ANNA);
  const met = meeting([ANNA, BERT], 1);
  await turn();
  assert.deepEqual(asked, [ANNA]);
  clock.advance(3000);
  await met;
});

test("a DHT that does not answer keeps nobody waiting", async () => {
  const { asked, heard, meeting } = world({
    find: () => Promise.reject(new HnError("partition", { reason: "dht_lookup_failed" })),
  });
  await meeting([ANNA, BERT]);
  assert.deepEqual([asked, heard.size], [[ANNA], 0]);
});
