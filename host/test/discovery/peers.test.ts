import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { openPeers, type PeersOptions } from "../../src/discovery/index.ts";
import type { Endpoint, NodeManifest, PeerRow, Peers, SyncBrief } from "../../src/contract/index.ts";
import { HnError, silentLog } from "../../src/foundation/index.ts";
import { buildManifest } from "../../src/identity/index.ts";
import { tick } from "../bus/make.ts";
import { facts, refused } from "../identity/people.ts";
import { seededRandom } from "../support/people.ts";
import { Cable } from "../transport/support/cable.ts";
import { crooked } from "../transport/support/crooked.ts";
import { Street, type House } from "../transport/support/street.ts";

const NOWHERE: Endpoint = { transport: "https", host: "127.0.0.1", port: 1 };

type OpenPeers = Peers & { close(): void };

function peersOf(t: TestContext, street: Street, house: House, o: Partial<PeersOptions> = {}): OpenPeers {
  const peers = openPeers({
    path: join(house.dataDir, "peers.db"),
    nodeId: house.nodeId,
    clock: street.clock,
    log: silentLog,
    link: house.link,
    bus: house.bus,
    community: house.community,
    random: seededRandom(1),
    networks: () => ["127.0.0.1/8"],
    ...o,
  });
  t.after(() => peers.close());
  return peers;
}

/** Anna and Ben, neighbours; Ben keeps the table. */
async function scene(
  t: TestContext,
  o: Partial<PeersOptions> = {},
): Promise<{ street: Street; anna: House; ben: House; peers: OpenPeers }> {
  const street = new Street(t);
  const [anna, ben] = await street.neighbours();
  anna.offer();
  const peers = peersOf(t, street, ben, o);
  return { street, anna, ben, peers };
}

function row(peers: Peers, house: House): PeerRow | undefined {
  return peers.list().find((peer) => peer.node_id === house.nodeId);
}

/** Beside what every node offers. */
const offered = (ben: House, anna: House): number =>
  ben.bus.entries({ node_id: anna.nodeId }).filter(({ descriptor }) => descriptor.name.startsWith("ext.")).length;

describe("known nodes (01 §5)", () => {
  it("are asked at the start and every 20 s, so that what they offer is never stale", async (t) => {
    const { street, anna, ben, peers } = await scene(t);
    street.clock.advance(0);
    await peers.refresh();
    assert.equal(offered(ben, anna), 1);
    anna.offer({ name: "ext.demo.more" });
    let changes = 0;
    peers.onChange(() => (changes += 1));
    street.clock.advance(0);
    await peers.refresh();
    anna.offer({ name: "ext.demo.later" });
    street.clock.advance(20_000);
    while (offered(ben, anna) < 3) await tick();
    assert.deepEqual(row(peers, anna)?.capabilities.slice(-3), ["ext.demo.echo@1.0", "ext.demo.more@1.0", "ext.demo.later@1.0"]);
    assert.equal(row(peers, anna)?.last_seen, street.clock.now());
    assert.ok(changes > 0);
    assert.equal((await ben.bus.call(ben.ask({ capability: "ext.demo.more" }))).provider, anna.nodeId);
  });

  it("are found at the address of their own join, and leave with their membership", async (t) => {
    const { street, anna, ben } = await scene(t);
    const peers = peersOf(t, street, anna);
    await peers.refresh();
    assert.deepEqual([row(peers, ben)?.online, row(peers, ben)?.level], [true, "member"]);
    ben.offer();
    await peers.refresh();
    assert.equal(offered(anna, ben), 1);
    await anna.community.revoke({ target: ben.nodeId, reason: "lost" });
    await peers.refresh();
    assert.equal(row(peers, ben), undefined);
    assert.equal(offered(anna, ben), 0);
  });

  it("are offline after a minute and dropped 90 s after their last manifest has run out", async (t) => {
    const { street, anna, ben, peers } = await scene(t);
    await peers.add(anna.endpoint);
    await anna.listener.close({ drainMs: 0 });
    street.clock.advance(60_000);
    assert.equal(row(peers, anna)?.online, true);
    street.clock.advance(1);
    assert.equal(row(peers, anna)?.online, false);
    street.clock.advance(58_999);
    await peers.refresh();
    assert.equal(offered(ben, anna), 1);
    street.clock.advance(1000);
    await peers.refresh();
    assert.equal(offered(ben, anna), 0);
    assert.deepEqual(row(peers, anna)?.capabilities, []);
    await anna.restart({ port: anna.endpoint.port });
    for (let seconds = 0; seconds < 31 && row(peers, anna)?.online !== true; seconds++) {
      street.clock.advance(1000);
      await peers.refresh();
    }
    assert.equal(row(peers, anna)?.online, true, "and come back with their next answer");
  });

  it("that do not answer are left alone for longer and longer, at most half a minute", async (t) => {
    let asked = 0;
    const { street, anna, ben } = await scene(t);
    const link = {
      ...ben.link,
      fetchManifest: (...args: Parameters<typeof ben.link.fetchManifest>): Promise<NodeManifest> => {
        asked += 1;
        return ben.link.fetchManifest(...args);
      },
    };
    const peers = peersOf(t, street, ben, { path: join(ben.dataDir, "other.db"), link });
    await peers.add(anna.endpoint);
    await anna.listener.close({ drainMs: 0 });
    await peers.refresh();
    const gaps: number[] = [];
    for (let seconds = 0, last = 0, before = asked; gaps.length < 6; seconds++) {
      if (asked > before) {
        gaps.push(seconds - last);
        [last, before] = [seconds, asked];
      }
      street.clock.advance(1000);
      await peers.refresh();
    }
    assert.deepEqual(gaps.slice(1), [4, 8, 16, 30, 30]);
  });

  it("are kept over a restart, with the address that worked first", async (t) => {
    const { street, anna, ben, peers } = await scene(t);
    const cable = await Cable.between(t, () => anna.endpoint);
    await peers.add(cable.endpoint);
    peers.close();
    const again = peersOf(t, street, ben);
    const kept = row(again, anna);
    assert.deepEqual([kept?.online, kept?.display_name, kept?.last_seen], [false, "Anna", street.clock.now()]);
    assert.deepEqual(
      kept?.endpoints.map(({ port }) => port),
      [cable.endpoint.port, anna.endpoint.port],
    );
    await again.refresh();
    assert.equal(row(again, anna)?.online, true);
    assert.equal(offered(ben, anna), 1);
  });

  it("are tried at all their addresses", async (t) => {
    const { anna, peers } = await scene(t);
    const cable = await Cable.between(t, () => anna.endpoint);
    await peers.add(cable.endpoint);
    const other = await Cable.between(t, () => NOWHERE);
    const former = cable.connections;
    await peers.refresh();
    assert.ok(cable.connections > former);
    Object.assign(cable.endpoint, other.endpoint);
    await peers.refresh();
    assert.equal(row(peers, anna)?.online, true);
  });

  it("are refused under another key, with an older manifest, or when it is this node itself", async (t) => {
    const { street, anna, ben, peers } = await scene(t);
    await assert.rejects(peers.add(anna.endpoint, ben.nodeId), refused("invalid_signature", "tls_mismatch"));
    const impostor = await crooked(t, anna, { tls: ben.tls });
    await assert.rejects(peers.add(impostor.endpoint), refused("invalid_signature", "tls_mismatch"));
    await assert.rejects(peers.add(ben.endpoint), refused("bad_request"));
    await assert.rejects(peers.add(NOWHERE), refused("partition"));
    await assert.rejects(
      peers.add(NOWHERE, "ed25519:mistyped"),
      refused("bad_request", "bad_node_id"),
      "before anything is dialled",
    );
    assert.deepEqual(peers.list(), []);

    // Of no community, so that no log names another address of it.
    const carl = await street.house("Carl");
    let at = street.clock.now();
    const server = await crooked(t, carl, {
      spoil: (parcel) => {
        const own = facts({ endpoints: [], display_name: `at ${at}` });
        parcel.body = JSON.stringify(buildManifest(carl.signer, { facts: own, now: at }));
      },
    });
    await peers.add(server.endpoint);
    const newest = row(peers, carl)?.display_name;
    at -= 1000;
    await assert.rejects(peers.add(server.endpoint), refused("expired"));
    await peers.refresh();
    assert.equal(row(peers, carl)?.display_name, newest);
  });

  it("that are no members are shown and never called", async (t) => {
    const { street, ben, peers } = await scene(t);
    const carl = await street.house("Carl");
    carl.offer({ trust_required: "unknown" });
    const added = await peers.add(carl.endpoint);
    assert.deepEqual([added.online, added.level, added.capabilities.at(-1)], [true, "unknown", "ext.demo.echo@1.0"]);
    assert.equal(offered(ben, carl), 0);
    await peers.refresh();
    assert.ok(row(peers, carl), "the operator has put it there");
    peers.remove(carl.nodeId);
    assert.equal(row(peers, carl), undefined);
    assert.throws(() => peers.remove(carl.nodeId), refused("not_found"));
  });

  it("take over what a working address's own manifest says of it", async (t) => {
    const { anna, peers } = await scene(t);
    await peers.add(anna.endpoint);
    const [first, ...others] = row(peers, anna)?.endpoints ?? [];
    assert.deepEqual([{ ...first }, others], [{ ...anna.endpoint, tls_spki_sha256: anna.tls.spkiSha256 }, []]);
  });

  it("hear of a new member at once, through who let it in (04 §8)", async (t) => {
    const { street, anna, ben, peers } = await scene(t);
    const atAnna = peersOf(t, street, anna);
    await Promise.all([peers.add(anna.endpoint), atAnna.refresh()]);
    const carl = await street.house("Carl");
    await street.welcome(anna, carl);
    assert.equal(ben.community.levelOf(carl.nodeId), "unknown");
    street.clock.advance(0);
    while (ben.community.levelOf(carl.nodeId) !== "member") await tick();
    await peers.refresh();
    assert.equal(row(peers, carl)?.online, true);
  });

  it("exchange logs every five minutes, and a failed exchange is tried again in the next round", async (t) => {
    const { street, anna, ben } = await scene(t);
    let isBroken = true;
    let exchanges = 0;
    const link = {
      ...ben.link,
      syncBrief: (...args: Parameters<typeof ben.link.syncBrief>): Promise<SyncBrief> => {
        exchanges += 1;
        return isBroken ? Promise.reject(new HnError("partition")) : ben.link.syncBrief(...args);
      },
    };
    const peers = peersOf(t, street, ben, { path: join(ben.dataDir, "other.db"), link });
    await peers.add(anna.endpoint);
    await peers.refresh();
    assert.equal(row(peers, anna)?.online, true, "a log that cannot be exchanged makes nobody unreachable");
    const failed = exchanges;
    isBroken = false;
    await peers.refresh();
    assert.equal(exchanges, failed + 1);
    for (let seconds = 5; seconds < 300; seconds += 5) {
      street.clock.advance(5000);
      await peers.refresh();
    }
    assert.equal(exchanges, failed + 1);
    street.clock.advance(5000);
    await peers.refresh();
    assert.equal(exchanges, failed + 2);
  });
});
