/** The DHT as twenty real processes, each at an address of its own: limits count by address, so one machine's loopback would be one asker. */
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import type { DhtStatus, DhtValue } from "@hearthnet/host/contract";
import { OperatorClient } from "../../host/src/cli/client.ts";
import { until } from "../../host/test/support/until.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { Lane, noNetworks, type House } from "../support/namespaces.ts";
import { LIMIT_MS } from "./residents.ts";

const NODES = 20;
const PORT = 7080;
/** Fewer know everybody only after an hour's upkeep. */
const KNOWN = 10;
const AT_ONCE = 4;

async function dhtNode(t: TestContext, house: House, bootstrap: readonly House[]): Promise<LiveNode> {
  const config = join(temporaryFolder(t), "hearthnet.config.ts");
  const dht = {
    enabled: true,
    privateMode: true,
    publicEndpoint: `${house.address}:${PORT}`,
    bootstrap: bootstrap.map(({ address }) => `${address}:${PORT}`),
  };
  const discovery = { mdns: false, udp: false };
  writeFileSync(config, `export default ${JSON.stringify({ dht, discovery, listen: house.address })};\n`);
  return startNode(t, { discovery: true, within: house.prefix, args: ["--config", config, "--port", String(PORT)] });
}

it(
  `${NODES} real nodes of the DHT find what each of them has; half are killed, and the others still find all of it (network §8)`,
  { skip: noNetworks },
  async (t) => {
    const lane = new Lane(t);
    const houses = Array.from({ length: NODES }, (_, n) => lane.house({ street: "10.77.4", host: n + 2 }));
    const [door] = houses as [House];
    const nodes = [await dhtNode(t, door, [])];
    for (let n = 1; n < NODES; n += AT_ONCE)
      nodes.push(...(await Promise.all(houses.slice(n, n + AT_ONCE).map((house) => dhtNode(t, house, [door])))));
    const clients = nodes.map(({ dataDir }) => new OperatorClient(dataDir));
    for (const client of clients)
      await until("it knows others", async () => (await client.get<DhtStatus>("/dht")).contacts >= KNOWN, LIMIT_MS);

    const cids = nodes.map(() => `blake3:${createHash("sha256").update(randomUUID()).digest("hex")}`);
    const kept: number[] = [];
    // One after the other: twenty processes that all work at once on this machine would take each other for silent.
    for (const [n, client] of clients.entries())
      kept.push((await client.send<{ stored: number }>("POST", `/dht/own/${cids[n]}`, {})).stored);
    assert.ok(Math.min(...kept) >= 8, `${kept.join()} keep it`);
    const holderOf = async (client: OperatorClient, cid: string): Promise<string[]> => {
      const { items } = await client.get<{ items: DhtValue[] }>(`/dht/values?kind=cid&subject=${encodeURIComponent(cid)}`);
      return items.map(({ payload }) => payload.node_id);
    };
    for (const [n, cid] of cids.entries()) {
      const seeker = clients[(n + 7) % NODES] as OperatorClient;
      assert.deepEqual(await holderOf(seeker, cid), [nodes[n]?.ready.node_id], `of node ${n}`);
    }

    const dead = nodes.filter((_, n) => n % 2 === 0);
    await Promise.all(dead.map((node) => node.kill9()));
    const times: number[] = [];
    for (const [n, cid] of cids.entries()) {
      // One that has not asked for it before, so that it has to ask now.
      const seeker = clients[(n + (n % 2 === 0 ? 5 : 4)) % NODES] as OperatorClient;
      const from = performance.now();
      assert.deepEqual(await holderOf(seeker, cid), [nodes[n]?.ready.node_id], `of node ${n}, with ${dead.length} gone`);
      times.push(performance.now() - from);
    }
    const middle = times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
    process.stdout.write(
      `figure: ${NODES} processes, each value kept by ${Math.min(...kept)} at least; ${dead.length} killed, ${cids.length} of ${cids.length} found, ${Math.round(middle)} ms in the middle of all\n`,
    );
  },
);
