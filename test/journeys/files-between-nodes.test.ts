/** Files between real nodes: past a liar, past the end of either side, past a broken disk. @source 30 §5, §11 */
import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { CommunityFacts, JsonObject, PeerRow } from "@hearthnet/host/contract";
import { OperatorClient } from "../../host/src/cli/client.ts";
import { until } from "../../host/test/support/until.ts";
import { packFixture } from "../fixtures/signed-folder.ts";
import { freePort } from "../support/free-port.ts";
import { startCommand, startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";

const CHUNK_BYTES = 262_144;
const CHUNKS = 12;

interface Line {
  event: string;
  data: JsonObject;
}

/** Every byte of a chunk is its place, and of the first one something of the test's own. */
function contentOf(mark: number): Buffer {
  const bytes = Buffer.concat(Array.from({ length: CHUNKS }, (_, i) => Buffer.alloc(CHUNK_BYTES, i)));
  bytes[0] = mark;
  return bytes;
}

async function welcome(host: LiveNode, guest: LiveNode): Promise<void> {
  const { fresh_device_id } = await guest.ask<CommunityFacts>(["community", "show"]);
  const { invite_blob } = await host.ask<{ invite_blob: string }>(["invite", fresh_device_id]);
  await guest.ask(["join", invite_blob]);
}

/** Of the node itself: another one that can do the same would answer while its plugin still starts. */
async function call(node: LiveNode, verb: string, input: object, more: string[] = []): Promise<JsonObject> {
  const name = verb.includes(".") ? verb : `file.${verb}`;
  const words = ["call", name, "--node", node.ready.node_id, "--input", JSON.stringify(input), ...more];
  return (await node.ask<{ output: JsonObject }>(words)).output;
}

/** @returns its content id */
async function put(t: TestContext, node: LiveNode, bytes: Buffer): Promise<string> {
  const path = join(temporaryFolder(t), "content.bin");
  writeFileSync(path, bytes);
  return (await call(node, "put", {}, ["--file", `data_b64=${path}`]))["cid"] as string;
}

/** Frames in it; a line that is cut off in the middle and a refusal of the command are none. */
const linesOf = (stdout: string): Line[] =>
  stdout
    .split("\n")
    .slice(0, -1)
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.event !== undefined && line.event !== "error");

const fetchWords = (cid: string, sources: LiveNode[]): string[] => {
  const input = { cid, sources: sources.map(({ ready }) => ready.node_id) };
  return ["call", "file.fetch", "--stream", "--input", JSON.stringify(input)];
};

async function fetch(node: LiveNode, cid: string, sources: LiveNode[]): Promise<{ code: number; lines: Line[] }> {
  const { code, stdout } = await node.cli(fetchWords(cid, sources));
  return { code, lines: linesOf(stdout) };
}

/** `from` answers what `node` asks for: news of a plugin just installed takes a round of the peers. */
function offers(node: LiveNode, from: LiveNode): Promise<true> {
  return until(
    `${from.ready.node_id} offers files`,
    async () => {
      const { items } = await new OperatorClient(node.dataDir).get<{ items: PeerRow[] }>("/peers");
      return items.some(
        ({ node_id, capabilities }) =>
          node_id === from.ready.node_id && capabilities.some((name) => name.startsWith("file.read@")),
      );
    },
    60_000,
  );
}

/** A node that is found where it was after it has been away. */
async function settled(t: TestContext, o: { dataDir?: string; port?: string } = {}): Promise<LiveNode> {
  const { port = String(await freePort()), ...rest } = o;
  return startNode(t, { ...rest, args: ["--port", port] });
}

/** Its plugin answers. */
function keepsFiles(node: LiveNode): Promise<true> {
  const words = ["call", "file.list", "--node", node.ready.node_id, "--input", "{}"];
  return until("its files are there", async () => (await node.cli(words)).code === 0, 30_000);
}

/** The whole file as the node gives it out. */
async function contentAt(node: LiveNode, cid: string): Promise<Buffer> {
  const words = ["call", "file.read", "--node", node.ready.node_id, "--stream", "--input", JSON.stringify({ cid })];
  const { stdout } = await node.cli(words);
  const chunks = linesOf(stdout).filter(({ event }) => event === "chunk");
  return Buffer.concat(chunks.map(({ data }) => Buffer.from(data["data_b64"] as string, "base64url")));
}

const missingAt = async (node: LiveNode, cid: string): Promise<number> =>
  ((await call(node, "stat", { cid }))["missing"] as number[]).length;

// They wait more than they work, so they wait side by side.
describe("files between nodes", { concurrency: true }, () => {
  it("a file comes whole from three sources of which one sends something else", async (t) => {
    const [a, b, liar, d] = await Promise.all([startNode(t), startNode(t), startNode(t), startNode(t)]);
    await a.ask(["community", "create", "Mill Street"]);
    for (const guest of [b, liar, d]) await welcome(a, guest);
    for (const node of [a, b, d])
      await node.ask(["plugin", "install", "hearthnet/files", "--grant", "all", "--confirm", "hearthnet/files"]);
    await liar.ask(["plugin", "install", "--from", await packFixture(temporaryFolder(t), "liar"), "--grant", "all"]);
    for (const from of [a, b, liar]) await offers(d, from);
    const bytes = contentOf(200);
    const cid = await put(t, a, bytes);
    assert.equal(await put(t, b, bytes), cid);
    const teach = async (of: string): Promise<void> => {
      const words = [
        "call",
        "file.read",
        "--node",
        a.ready.node_id,
        "--stream",
        "--input",
        JSON.stringify({ cid: of, chunks: [] }),
      ];
      const manifest = linesOf((await a.cli(words)).stdout).find(({ event }) => event === "manifest")?.data;
      await call(liar, "ext.hearthnet.liar.learn", { manifest, honest: 1 });
    };
    await teach(cid);

    const { code, lines } = await fetch(d, cid, [liar, a, b]);
    assert.equal(code, 0, JSON.stringify(lines));
    const done = lines.at(-1)?.data;
    assert.deepEqual([done?.["cid"], done?.["size_bytes"]], [cid, bytes.length]);
    assert.deepEqual(await contentAt(d, cid), bytes);
    const { asked } = await call(liar, "ext.hearthnet.liar.learn", {});
    assert.ok(Number(asked) > 0, "the liar was believed at first");

    // Struck: of the next file it is asked for nothing while others have it, though it is named first.
    const next = await put(t, a, contentOf(201));
    await teach(next);
    assert.equal((await fetch(d, next, [liar, a])).code, 0);
    assert.deepEqual(await call(liar, "ext.hearthnet.liar.learn", {}), { asked });

    // A bit flips on the disk of one source: it puts the chunk aside, and another gives it.
    const third = contentOf(202);
    const damaged = await put(t, a, third);
    await put(t, b, third);
    const [path = ""] = globSync("runtime/plugins/hearthnet/files/**/blobs/*/*.bin", { cwd: a.dataDir })
      .map((name) => join(a.dataDir, name))
      .filter((name) => readFileSync(name)[0] === 202);
    const broken = readFileSync(path);
    broken[1000] = (broken[1000] ?? 0) ^ 1;
    writeFileSync(path, broken);
    assert.equal((await fetch(d, damaged, [a, b])).code, 0);
    assert.deepEqual(await contentAt(d, damaged), third);
    await until("the source has put it aside", async () => (await missingAt(a, damaged)) === 1);
  });

  for (const side of ["source", "target"] as const)
    it(`a fetch goes on where it stopped after the end of its ${side}`, async (t) => {
      const [a, b] = [await settled(t), await settled(t)];
      await a.ask(["community", "create", "Mill Street"]);
      await welcome(a, b);
      for (const node of [a, b])
        await node.ask(["plugin", "install", "hearthnet/files", "--grant", "all", "--confirm", "hearthnet/files"]);
      let [source, target] = [a, b];
      const restart = async ({ dataDir }: LiveNode): Promise<LiveNode> => {
        const { port } = new URL([a, b].find((one) => one.dataDir === dataDir)?.ready.bus ?? "");
        const node = await settled(t, { dataDir, port });
        await keepsFiles(node);
        return node;
      };
      await offers(target, source);
      const { cid, came, bytes } = await cutOff();
      if (side === "source") source = await restart(source);
      else target = await restart(target);
      const lines: Line[] = [];
      await until(
        "the rest comes",
        async () => {
          const result = await fetch(target, cid, [source]);
          lines.push(...result.lines);
          return result.code === 0;
        },
        120_000,
      );
      // Of the first try that told of any: one that follows may find everything there.
      const first = lines.find(({ data }) => data["current"] !== undefined);
      assert.ok(
        Number(first?.data["current"]) >= came,
        `what had come was asked for again: ${came} before, then ${JSON.stringify(lines.slice(0, 3))}`,
      );
      assert.deepEqual(await contentAt(target, cid), bytes);

      /** Ends one side in the middle of a fetch. It may be over before that: then another file is tried. */
      async function cutOff(): Promise<{ cid: string; came: number; bytes: Buffer }> {
        for (let mark = 210; mark < 220; mark += 1) {
          const bytes = contentOf(mark);
          for (let i = 1; i < CHUNKS; i += 1) bytes[i * CHUNK_BYTES] = bytes[0] ?? 0;
          const cid = await put(t, source, bytes);
          const home = temporaryFolder(t);
          const running = startCommand(t, ["--data", target.dataDir, "--json", ...fetchWords(cid, [source])], { home });
          const seen = (): Line[] => linesOf(running.stdout());
          await until("something has come", () => seen().some(({ data }) => Number(data["current"]) > 0), 60_000);
          await (side === "source" ? source : target).kill9();
          await running.stop();
          const came = Math.max(...seen().map(({ data }) => Number(data["current"] ?? 0)));
          if (!seen().some(({ event }) => event === "done") && came < CHUNKS) return { cid, came, bytes };
          if (side === "source") source = await restart(source);
          else target = await restart(target);
        }
        throw new Error("No fetch lasted long enough to be cut off.");
      }
    });
});
