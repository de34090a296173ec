import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { peerOf, subnetOf, type Peer } from "../../src/dht/contact.ts";
import { bucketOf, compareDistance } from "../../src/dht/distance.ts";
import { RoutingTable } from "../../src/dht/table.ts";
import { ManualClock } from "../../src/foundation/index.ts";
import { importSeed } from "../../src/identity/index.ts";

const { nodeId: SELF } = importSeed(new Uint8Array(32).fill(1));
let counter = 0;
/** A contact in the farthest bucket, in a subnet of its own unless told otherwise. */
function far(table: RoutingTable, host?: string): Peer {
  for (;;) {
    counter += 1;
    const seed = new Uint8Array(32);
    new DataView(seed.buffer).setUint32(0, counter);
    const { nodeId } = importSeed(seed);
    const peer = peerOf({
      node_id_full: nodeId,
      endpoint: { host: host ?? `${counter >> 8}.${counter & 255}.7.7`, port: 7080 },
    });
    if (bucketOf(table.self, peer.id) === 255) return peer;
  }
}
function open(o: { alive?: (peer: Peer) => boolean; mayCrowd?: boolean } = {}): {
  table: RoutingTable;
  pinged: Peer[];
  clock: ManualClock;
} {
  const pinged: Peer[] = [];
  const clock = new ManualClock();
  const table: RoutingTable = new RoutingTable({
    self: SELF,
    clock,
    mayCrowd: o.mayCrowd ?? false,
    ping: (peer) => {
      pinged.push(peer);
      const alive = o.alive?.(peer) ?? true;
      if (alive) table.heard(peer, 10);
      return Promise.resolve(alive);
    },
  });
  return { table, pinged, clock };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the routing table", () => {
  it("keeps, in a full bucket, who was there first and still answers (H-3)", async () => {
    const { table, pinged } = open();
    const first = Array.from({ length: 20 }, () => far(table));
    for (const peer of first) table.heard(peer, 10);
    // The tree splits while the bucket is its only one; others on the near side do not.
    const newcomer = far(table);
    table.heard(newcomer, 10);
    await turn();
    assert.equal(table.size, 20);
    assert.deepEqual(pinged[0]?.nodeId, first[0]?.nodeId, "the one that was quiet for longest is asked");
    assert.ok(!table.knows(newcomer.nodeId));
  });

  it("asks the oldest of a full bucket once a minute, however many find no room there", async () => {
    const { table, pinged, clock } = open();
    for (let n = 0; n < 20; n += 1) table.heard(far(table), 10);
    for (let n = 0; n < 5; n += 1) {
      const newcomer = far(table);
      assert.equal(table.wants(newcomer.nodeId), n === 0, "whoever asks is asked back only where that may bring it in");
      table.heard(newcomer, 10);
      await turn();
    }
    assert.equal(pinged.length, 1);
    clock.advance(60_000);
    assert.ok(table.wants(far(table).nodeId));
    table.heard(far(table), 10);
    assert.equal(pinged.length, 2);
  });

  it("gives a place that became free to the newest of those that waited, once it answers", async () => {
    const gone = new Set<string>();
    const { table } = open({ alive: ({ nodeId }) => !gone.has(nodeId) });
    const first = Array.from({ length: 20 }, () => far(table));
    for (const peer of first) table.heard(peer, 10);
    gone.add(first[0]?.nodeId ?? "");
    const newcomer = far(table);
    table.heard(newcomer, 10);
    await turn();
    assert.ok(table.knows(newcomer.nodeId));
    assert.ok(!table.knows(first[0]?.nodeId ?? ""));
  });

  it("lets two of a subnet into a bucket and ten into the table, except in a private net (H-3)", () => {
    const { table } = open();
    const street = Array.from({ length: 5 }, (_, index) => far(table, `192.0.2.${index + 1}`));
    for (const peer of street) table.heard(peer, 10);
    assert.equal(table.size, 2);
    const crowded = open({ mayCrowd: true }).table;
    for (const peer of street) crowded.heard(peer, 10);
    assert.equal(crowded.size, 5);
  });

  it("forgets who fails three times in a row", () => {
    const { table } = open();
    const peer = far(table);
    table.heard(peer, 10);
    for (const step of [1, 2]) {
      table.failed(peer.nodeId);
      assert.ok(table.knows(peer.nodeId), `after ${step}`);
    }
    table.heard(peer, 10);
    for (const _ of [1, 2, 3]) table.failed(peer.nodeId);
    assert.ok(!table.knows(peer.nodeId));
  });

  it("never holds this node itself, nor twice the same", () => {
    const { table } = open();
    table.heard(peerOf({ node_id_full: SELF, endpoint: { host: "9.9.9.9", port: 443 } }), 1);
    const peer = far(table);
    table.heard(peer, 10);
    table.heard({ ...peer, endpoint: { host: "198.51.100.4", port: 7080 } }, 10);
    assert.deepEqual(
      table.all().map(({ endpoint }) => endpoint.host),
      ["198.51.100.4"],
    );
  });

  it("measures distance as a metric: none to itself, the same both ways, and buckets by its bit length (06 §1)", () => {
    const id = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const big = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
    fc.assert(
      fc.property(id, id, id, (target, a, b) => {
        const [toA, toB] = [big(target) ^ big(a), big(target) ^ big(b)];
        assert.equal(Math.sign(compareDistance(target, a, b)), toA < toB ? -1 : toA > toB ? 1 : 0);
        assert.equal(bucketOf(target, a), toA === 0n ? -1 : toA.toString(2).length - 1);
      }),
    );
  });

  it("knows the neighbourhood of an address however it is written", () => {
    assert.equal(subnetOf("203.0.113.9"), "203.0.113");
    assert.equal(subnetOf("2001:db8:1::7"), subnetOf("2001:0DB8:0001:5::"));
    assert.notEqual(subnetOf("2001:db8:1::7"), subnetOf("2001:db8:2::7"));
    assert.equal(subnetOf("::1"), "0000:0000:0000");
    assert.equal(subnetOf("Hearth.example.org"), "hearth.example.org");
  });
});
