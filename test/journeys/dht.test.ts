import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import type { DhtStatus, DhtValue, LocalError } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";

/** A port that was free a moment ago: a node must know it before it starts, to say where it can be found. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

async function dhtNode(t: TestContext, o: { port: number; bootstrap: number[] }): Promise<LiveNode> {
  const home = temporaryFolder(t);
  const dht = {
    enabled: true,
    privateMode: true,
    publicEndpoint: `127.0.0.1:${o.port}`,
    bootstrap: o.bootstrap.map((port) => `127.0.0.1:${port}`),
  };
  const path = join(home, "hearthnet.config.ts");
  writeFileSync(path, `export default ${JSON.stringify({ dht, listen: "127.0.0.1" })};\n`);
  return startNode(t, { dataDir: join(home, "data"), args: ["--config", path, "--port", String(o.port)] });
}

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

  const wrong = await third.cli(["dht", "find", "pet", "dog"]);
  assert.equal((wrong.json as LocalError).error, "bad_request");
});

it("takes no part in the DHT unless its owner says so", async (t) => {
  const node = await startNode(t);
  assert.deepEqual(await node.ask(["dht"]), { enabled: false, contacts: 0, values: 0, bootstrapped: false, own: [] });
  const { json } = await node.cli(["dht", "find", "presence", node.ready.node_id]);
  assert.equal((json as LocalError).reason, "dht_off");
});
