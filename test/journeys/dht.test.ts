import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { CommunityFacts, DhtStatus, DhtValue, LocalError, PeerRow } from "@hearthnet/host/contract";
import { OperatorClient } from "../../host/src/cli/client.ts";
import { until } from "../../host/test/support/until.ts";
import { freePort } from "../support/free-port.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";

/** A port that was free a moment ago: a node must know it before it starts, to say where it can be found. */

async function dhtNode(t: TestContext, o: { port: number; bootstrap: number[]; dataDir?: string }): Promise<LiveNode> {
  const home = temporaryFolder(t);
  const dht = {
    enabled: true,
    privateMode: true,
    publicEndpoint: `127.0.0.1:${o.port}`,
    bootstrap: o.bootstrap.map((port) => `127.0.0.1:${port}`),
  };
  const path = join(home, "hearthnet.config.ts");
  // The loopback alone: nothing is said on the networks of this machine.
  writeFileSync(
    path,
    `export default ${JSON.stringify({ dht, discovery: { mdns: false, udp: false }, listen: "127.0.0.1" })};\n`,
  );
  return startNode(t, {
    discovery: true,
    dataDir: o.dataDir ?? join(home, "data"),
    args: ["--config", path, "--port", String(o.port)],
  });
}

// Three communities that know nothing of each other, and that wait most of the time.
describe("nodes that carry the DHT", { concurrency: true }, () => {
  it("three nodes on the internet find each other through one that they know, also after that one has gone (06 §6, §9)", async (t) => {
    const [a, b, c] = [await freePort(), await freePort(), await freePort()];
    const first = await dhtNode(t, { port: a, bootstrap: [] });
    const second = await dhtNode(t, { port: b, bootstrap: [a] });
    const third = await dhtNode(t, { port: c, bootstrap: [a] });
    const contacts = async (node: LiveNode): Promise<number> => (await node.ask<DhtStatus>(["dht"])).contacts;
    for (const node of [second, third])
      await until("it knows both others", async () => ((await contacts(node)) === 2 ? true : undefined), 20_000);

    const present = async (at: LiveNode, whom: LiveNode): Promise<DhtValue[] | undefined> => {
      const found = await at.ask<DhtValue[]>(["dht", "find", "presence", whom.ready.node_id]);
      return found.length > 0 ? found : undefined;
    };
    const [value] = await until("the second says where it is", () => present(third, second), 30_000);
    assert.deepEqual(value?.payload.kind === "presence" && value.payload.endpoints, [{ host: "127.0.0.1", port: b }]);
    assert.equal("community_id" in (value?.payload ?? {}), false, "whose member it is, is nobody's business (H-8)");

    await first.kill9();
    const again = await third.ask<DhtValue[]>(["dht", "find", "presence", second.ready.node_id]);
    assert.equal(again[0]?.payload.node_id, second.ready.node_id);

    assert.deepEqual(await third.ask(["dht", "get", second.ready.node_id]), again, "whatever is said of it");
    const cid = `blake3:${"5".repeat(64)}`;
    const { stored } = await second.ask<{ stored: number }>(["dht", "put", cid]);
    assert.equal(stored, 1);
    const [holder] = await third.ask<DhtValue[]>(["dht", "get", cid]);
    assert.deepEqual([holder?.payload.kind, holder?.payload.node_id], ["cid", second.ready.node_id]);
    const own = async (): Promise<string[]> => (await second.ask<DhtStatus>(["dht", "status"])).own.map(({ kind }) => kind);
    assert.deepEqual(await own(), ["presence", "cid"]);
    await second.ask(["dht", "put", cid, "--withdraw"]);
    assert.deepEqual(await own(), ["presence"]);
    assert.equal(((await second.cli(["dht", "put", "a file"])).json as LocalError).error, "bad_request");

    const wrong = await third.cli(["dht", "find", "pet", "dog"]);
    assert.equal((wrong.json as LocalError).error, "bad_request");
  });

  it("takes no part in the DHT unless its owner says so", async (t) => {
    const node = await startNode(t);
    assert.deepEqual(await node.ask(["dht"]), { enabled: false, contacts: 0, values: 0, bootstrapped: false, own: [] });
    const { json } = await node.cli(["dht", "find", "presence", node.ready.node_id]);
    assert.equal((json as LocalError).reason, "dht_off");
    for (const more of [[], ["--withdraw"]]) {
      const put = await node.cli(["dht", "put", `blake3:${"5".repeat(64)}`, ...more]);
      assert.equal((put.json as LocalError).reason, "dht_off");
    }
  });

  it("looks for members that nobody has seen where they say they are, and takes nobody else there (06 §7)", async (t) => {
    const [a, b, c, moved] = [await freePort(), await freePort(), await freePort(), await freePort()];
    const hub = await dhtNode(t, { port: a, bootstrap: [] });
    const first = await dhtNode(t, { port: b, bootstrap: [a] });
    const second = await dhtNode(t, { port: c, bootstrap: [a] });
    await first.ask(["community", "create", "Mill Street"]);
    const { fresh_device_id } = await second.ask<CommunityFacts>(["community", "show"]);
    const { invite_blob } = await first.ask<{ invite_blob: string }>(["invite", fresh_device_id]);
    await second.ask(["join", invite_blob]);
    const at = async (port: number): Promise<PeerRow | undefined> => {
      // Without a command, whose start would weigh more than the nodes in a minute of asking.
      const { items } = await new OperatorClient(first.dataDir).get<{ items: PeerRow[] }>("/peers");
      return items.find(
        (row) => row.node_id === second.ready.node_id && row.state === "verified" && row.endpoints[0]?.port === port,
      );
    };
    await until("the second is in reach", () => at(c), 30_000);
    await second.stop();
    await dhtNode(t, { port: moved, bootstrap: [a], dataDir: second.dataDir });
    const row = await until("it is found at its new port", () => at(moved), 150_000);
    assert.ok(row.sources.includes("dht"), row.sources.join());
    const rows = await first.ask<PeerRow[]>(["peer", "list"]);
    assert.ok(!rows.some(({ node_id }) => node_id === hub.ready.node_id), "who only carries the DHT is nobody's neighbour");
  });
});
