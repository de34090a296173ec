/** A file that nobody in reach has and nobody has told of: its holder is found in the DHT alone. @source 30 §5.1, 06 §7 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import type { CallTrace, CommunityFacts, DhtStatus, DhtValue, JsonObject, PeerRow } from "@hearthnet/host/contract";
import { OperatorClient } from "../../host/src/cli/client.ts";
import { until } from "../../host/test/support/until.ts";
import { freePort } from "../support/free-port.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";

interface Place {
  port: number;
  bootstrap?: number;
  /** Says in the DHT where it is. */
  isFound: boolean;
  dataDir?: string;
}

async function nodeAt(t: TestContext, { port, bootstrap, isFound, dataDir }: Place): Promise<LiveNode> {
  const home = temporaryFolder(t);
  const dht = {
    enabled: true,
    privateMode: true,
    advertiseCids: true,
    ...(isFound ? { publicEndpoint: `127.0.0.1:${port}` } : {}),
    bootstrap: bootstrap === undefined ? [] : [`127.0.0.1:${bootstrap}`],
  };
  const path = join(home, "hearthnet.config.ts");
  const config = { dht, discovery: { mdns: false, udp: false }, listen: "127.0.0.1" };
  writeFileSync(path, `export default ${JSON.stringify(config)};\n`);
  const args = ["--config", path, "--port", String(port)];
  return startNode(t, { discovery: true, dataDir: dataDir ?? join(home, "data"), args });
}

const rowOf = async (at: LiveNode, whom: LiveNode): Promise<PeerRow | undefined> =>
  (await new OperatorClient(at.dataDir).get<{ items: PeerRow[] }>("/peers")).items.find(
    ({ node_id }) => node_id === whom.ready.node_id,
  );

const takesPart = (node: LiveNode): Promise<true> =>
  until("it knows others in the DHT", async () => (await node.ask<DhtStatus>(["dht"])).contacts > 0, 60_000);

it("a file is fetched from a member whom only the DHT knows to have it, and where to find it", async (t) => {
  const [a, b, c, moved, away] = await Promise.all(Array.from({ length: 5 }, () => freePort()));
  assert.ok(a && b && c && moved && away);
  const hub = await nodeAt(t, { port: a, isFound: true });
  let holder = await nodeAt(t, { port: b, isFound: false, bootstrap: a });
  let seeker = await nodeAt(t, { port: c, isFound: false, bootstrap: a });
  await holder.ask(["community", "create", "Mill Street"]);
  const { fresh_device_id } = await seeker.ask<CommunityFacts>(["community", "show"]);
  const { invite_blob } = await holder.ask<{ invite_blob: string }>(["invite", fresh_device_id]);
  await seeker.ask(["join", invite_blob]);
  for (const node of [holder, seeker])
    await node.ask(["plugin", "install", "hearthnet/files", "--grant", "all", "--confirm", "hearthnet/files"]);

  // Both move, so that neither knows where the other is; of the two only the holder says it, in the DHT.
  await Promise.all([holder.stop(), seeker.stop()]);
  seeker = await nodeAt(t, { port: away, isFound: false, bootstrap: a, dataDir: seeker.dataDir });
  await takesPart(seeker);
  // Whoever it meets, it asks nobody what they have.
  const least = JSON.stringify({ capabilities: ["file.read@1"], own: true });
  await seeker.ask(["plugin", "grant", "hearthnet/files", `bus.call=${least}`]);
  holder = await nodeAt(t, { port: moved, isFound: true, bootstrap: a, dataDir: holder.dataDir });
  await takesPart(holder);
  const path = join(temporaryFolder(t), "plan.txt");
  writeFileSync(path, "Where the wells of Mill Street are.");
  const put = ["call", "file.put", "--node", holder.ready.node_id, "--file", `data_b64=${path}`];
  const { output } = await until("its files are there", async () => {
    const { code, stdout } = await holder.cli([...put, "--input", '{"visibility":"public"}']);
    return code === 0 && (JSON.parse(stdout) as { output: JsonObject });
  });
  const cid = output["cid"] as string;
  await until("the DHT says who has it", async () => (await hub.ask<DhtValue[]>(["dht", "get", cid])).length > 0, 90_000);

  const fetch = ["call", "file.fetch", "--stream", "--input", JSON.stringify({ cid })];
  const { stdout } = await until(
    "it is fetched",
    async () => {
      const fetched = await seeker.cli(fetch);
      return fetched.code === 0 && fetched;
    },
    60_000,
  );
  const done = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { event: string; data: JsonObject };
  assert.equal(done.event, "done");
  assert.deepEqual(done.data["sources"], [holder.ready.node_id]);
  assert.ok((await rowOf(seeker, holder))?.sources.includes("dht"));
  const calls = await holder.ask<CallTrace[]>(["trace", "--capability", "file"]);
  const asked = calls.filter(({ from_node }) => from_node === seeker.ready.node_id).map(({ capability }) => capability);
  assert.ok(asked.includes("file.read") && !asked.includes("file.list"), `nobody has told but the DHT: ${asked.join()}`);
  assert.equal((await hub.ask<PeerRow[]>(["peer", "list"])).length, 0, "who carried the hint is nobody's neighbour");
});
