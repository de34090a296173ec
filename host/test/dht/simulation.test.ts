import assert from "node:assert/strict";
import { test } from "node:test";
import { createHash, randomInt } from "node:crypto";
import { DhtVillage } from "./village.ts";

/** More of them, with `HN_DHT_NODES=10000`, take minutes. */
const NODES = Number(process.env["HN_DHT_NODES"] ?? 200);
const SEED = Number(process.env["HN_SEED"] ?? randomInt(2 ** 31));

const cidOf = (text: string): string => `blake3:${createHash("sha256").update(text).digest("hex")}`;
const holding = (village: DhtVillage, cid: string) => () => ({ cid, last_seen: Math.floor(village.clock.now() / 1000) });

test("three nodes: one stores, one finds; the storer dies, and it is still found (06 §9)", async (t) => {
  const village = new DhtVillage(SEED);
  t.after(() => village.close());
  await village.settle(3);
  const [a, b, c] = village.citizens as [
    (typeof village.citizens)[0],
    (typeof village.citizens)[0],
    (typeof village.citizens)[0],
  ];
  const cid = cidOf("a leaflet");
  assert.equal(await a.dht.publish("cid", holding(village, cid)), 2);
  assert.deepEqual(
    (await c.dht.findValues("cid", cid)).map(({ payload }) => payload.node_id),
    [a.nodeId],
  );
  a.dead = true;
  assert.deepEqual(
    (await b.dht.findValues("cid", cid)).map(({ payload }) => payload.node_id),
    [a.nodeId],
  );
});

test(`in a network of ${NODES}, values are found after half of it has gone at once (network §3, D1)`, async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const village = new DhtVillage(SEED);
  t.after(() => village.close());
  await village.settle(NODES);
  const holders = village.citizens.slice(0, 30);
  for (const [index, { dht }] of holders.entries()) {
    const stored = await dht.publish("cid", holding(village, cidOf(`file ${index}`)));
    assert.ok(stored >= 8, `${stored} keep it`);
    village.clock.advance(60_000);
  }
  const gone = village.citizens.slice(30).filter(() => (village.random(1)[0] ?? 0) < 128);
  for (const citizen of gone) citizen.dead = true;
  let found = 0;
  let questions = 0;
  const seekers = village.citizens.filter(({ dead }) => !dead).slice(-60);
  for (const [index, seeker] of seekers.entries()) {
    const before = village.questions;
    const values = await seeker.dht.findValues("cid", cidOf(`file ${index % 30}`));
    questions += village.questions - before;
    if (values.length > 0) found += 1;
    village.clock.advance(1000);
  }
  t.diagnostic(
    `${found} of ${seekers.length} lookups succeeded with ${gone.length} of ${NODES} gone; ${Math.round(questions / seekers.length)} questions each`,
  );
  assert.equal(found, seekers.length);
});

test("whoever had nothing at the first try is not asked at the second, which is for others (network §3)", async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const village = new DhtVillage(SEED);
  t.after(() => village.close());
  await village.settle(60);
  const asked = new Map<string, number>();
  for (const { nodeId, dht } of village.citizens) {
    const answer = dht.answer.bind(dht);
    dht.answer = (rpc, body, address) => {
      if (rpc === "find_value") asked.set(nodeId, (asked.get(nodeId) ?? 0) + 1);
      return answer(rpc, body, address);
    };
  }
  assert.deepEqual(await (village.citizens[0] as (typeof village.citizens)[0]).dht.findValues("cid", cidOf("nobody's")), []);
  assert.ok(asked.size > 30, `${asked.size} were asked: more than the nearest, who are the first try`);
  assert.deepEqual(
    [...asked.values()].filter((times) => times > 1),
    [],
  );
});
