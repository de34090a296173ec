/**
 * Two nodes that exchange files while one of them, or the file store of one of them, is killed again and again at any moment: while a file is put
 * in, and while it is fetched. What was acknowledged is there afterwards, byte for byte, and a fetch goes on where it stopped. @source 30 §4.1, §5
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { JsonObject, PeerRow, UploadDone } from "@hearthnet/host/contract";
import { OperatorClient } from "../../host/src/cli/client.ts";
import { systemClock } from "../../host/src/foundation/index.ts";
import { until } from "../../host/test/support/until.ts";
import { freePort } from "../support/free-port.ts";
import { startNode, type Closing, type LiveNode } from "../support/live-node.ts";
import { processesBelow } from "../support/processes.ts";
import type { SimRandom } from "../sim/random.ts";

const CHUNK_BYTES = 262_144;
const CHUNKS = { least: 16, most: 32 };
/** How long after the beginning somebody dies; most files take about as long. */
const WITHIN_MS = { put: 60, fetch: 250 };
/** Of what was acknowledged before, so many are looked at after each kill; all of them at the end. */
const LOOKED_AT = 1;
const PATIENCE_MS = 60_000;
/** What a neighbour offers may rest for a minute after it has failed several times. @source 03 B-10 */
const REST_MS = 150_000;

const VICTIMS = ["the sender's node", "the receiver's node", "the sender's file store", "the receiver's file store"] as const;
export type Victim = (typeof VICTIMS)[number];

export interface KillFigures {
  kills: Record<Victim, number>;
  /** Kills that came while a file was put in and not yet acknowledged. */
  putsCutOff: number;
  /** Kills in the middle of a fetch. */
  fetchesCutOff: number;
  /** Chunks that had come when a fetch was cut off; none of them was asked for again. */
  chunksThere: number;
  /** Acknowledged at either side, and looked at whole at the end. */
  acknowledged: number;
}

interface Side {
  node: LiveNode;
  readonly client: OperatorClient;
  readonly port: string;
  /** Content id → SHA-256 of what was acknowledged. */
  readonly kept: Map<string, string>;
}

/** @throws AssertionError for whatever is lost or false */
export async function killFiles(
  t: Closing,
  o: { kills: number; random: SimRandom; onKill?: (n: number, what: string) => void },
): Promise<KillFigures> {
  const { random } = o;
  const [sender, receiver] = [await open(t), await open(t)];
  await acquaint(sender, receiver);
  const figures: KillFigures = {
    kills: { "the sender's node": 0, "the receiver's node": 0, "the sender's file store": 0, "the receiver's file store": 0 },
    putsCutOff: 0,
    fetchesCutOff: 0,
    chunksThere: 0,
    acknowledged: 0,
  };
  for (let n = 1; n <= o.kills; n += 1) {
    const bytes = contentOf(random.fork(`content ${n}`));
    const victim = VICTIMS[random.below(VICTIMS.length)] as Victim;
    const side = victim.startsWith("the sender") ? sender : receiver;
    const kill = (): Promise<void> => (victim.endsWith("node") ? side.node.kill9() : Promise.resolve(killStore(side)));
    figures.kills[victim] += 1;
    const isPut = side === sender && random.unit() < 0.4;
    if (isPut) await cutPut(sender, bytes, { kill, afterMs: random.unit() * WITHIN_MS.put, figures });
    else await cutFetch({ sender, receiver, bytes, kill, afterMs: random.unit() * WITHIN_MS.fetch, figures });
    for (const one of [sender, receiver]) await back(t, one);
    if (!isPut) await goOn({ sender, receiver, bytes, figures });
    for (const one of [sender, receiver])
      for (const [cid, hash] of [...one.kept].slice(-LOOKED_AT)) await assertKept(one, cid, hash);
    o.onKill?.(n, `${victim}, while a file was ${isPut ? "put in" : "fetched"}`);
  }
  for (const one of [sender, receiver]) for (const [cid, hash] of one.kept) await assertKept(one, cid, hash);
  figures.acknowledged = sender.kept.size + receiver.kept.size;
  return figures;
}

async function open(t: Closing): Promise<Side> {
  const port = String(await freePort());
  const node = await startNode(t, { args: ["--port", port] });
  await node.ask(["plugin", "install", "hearthnet/files", "--grant", "all", "--confirm", "hearthnet/files"]);
  return { node, client: new OperatorClient(node.dataDir), port, kept: new Map() };
}

async function acquaint(host: Side, guest: Side): Promise<void> {
  await host.node.ask(["community", "create", "Mill Street"]);
  const { fresh_device_id } = await guest.node.ask<{ fresh_device_id: string }>(["community", "show"]);
  const { invite_blob } = await host.node.ask<{ invite_blob: string }>(["invite", fresh_device_id]);
  await guest.node.ask(["join", invite_blob]);
  await until("both know of each other's files", async () => (await sees(host, guest)) && (await sees(guest, host)), PATIENCE_MS);
}

async function sees(side: Side, other: Side): Promise<boolean> {
  const { items } = await side.client.get<{ items: PeerRow[] }>("/peers");
  return items.some(
    ({ node_id, capabilities }) =>
      node_id === other.node.ready.node_id && capabilities.some((name) => name.startsWith("file.read@")),
  );
}

/** No two chunks are the same, and no two files. */
function contentOf(random: SimRandom): Buffer {
  const chunks = CHUNKS.least + random.below(CHUNKS.most - CHUNKS.least + 1);
  const bytes = Buffer.alloc((chunks - 1) * CHUNK_BYTES + 1 + random.below(CHUNK_BYTES));
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    bytes.fill(random.bytes(32), at, Math.min(at + CHUNK_BYTES, bytes.length));
  return bytes;
}

/** The moment is left to chance, not to anything that the nodes say. */
const pause = (ms: number): Promise<void> => new Promise((resolve) => void systemClock.setTimeout(resolve, ms));

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** The store's own process and its sandbox; the node stays. Nothing else runs below it. */
function killStore({ node }: Side): void {
  for (const { pid } of processesBelow(node.ready.pid))
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Its sandbox went first and took it along.
    }
}

async function cutPut(
  side: Side,
  bytes: Buffer,
  o: { kill: () => Promise<void>; afterMs: number; figures: KillFigures },
): Promise<void> {
  const put = keep(side, bytes).then(
    () => true,
    () => false,
  );
  await pause(o.afterMs);
  await o.kill();
  if (!(await put)) o.figures.putsCutOff += 1;
}

async function keep(side: Side, bytes: Buffer): Promise<string> {
  const { cid } = await side.client.upload<UploadDone>("/uploads?visibility=community", bytes);
  side.kept.set(cid, hashOf(bytes));
  return cid;
}

interface Fetching {
  sender: Side;
  receiver: Side;
  bytes: Buffer;
  figures: KillFigures;
}

/** What had come of a file when its fetch was cut off. */
const came = new WeakMap<Buffer, { cid: string; chunks: number }>();

async function cutFetch(o: Fetching & { kill: () => Promise<void>; afterMs: number }): Promise<void> {
  const cid = await keep(o.sender, o.bytes);
  let chunks = 0;
  const fetching = fetchAt(o, cid, (current) => (chunks = current));
  await pause(o.afterMs);
  await o.kill();
  const isDone = await fetching;
  if (isDone) o.receiver.kept.set(cid, hashOf(o.bytes));
  else if (chunks > 0) o.figures.fetchesCutOff += 1;
  came.set(o.bytes, { cid, chunks });
}

/** The same fetch anew: it begins with what is there already. */
async function goOn(o: Fetching): Promise<void> {
  const { cid, chunks } = came.get(o.bytes) ?? { cid: "", chunks: 0 };
  let first: number | undefined;
  await until("the rest of the file comes", () => fetchAt(o, cid, (current) => (first ??= current)), REST_MS);
  if (!o.receiver.kept.has(cid)) {
    o.figures.chunksThere += chunks;
    assert.ok((first ?? Infinity) >= chunks, `${cid}: ${chunks} chunks were there, and the fetch began with ${first}`);
  }
  o.receiver.kept.set(cid, hashOf(o.bytes));
}

/** @param onCurrent  told how many chunks are there, first with those of before @returns whether the file is whole */
async function fetchAt({ sender, receiver }: Fetching, cid: string, onCurrent: (chunks: number) => void): Promise<boolean> {
  const body = { cid, sources: [sender.node.ready.node_id] };
  try {
    for await (const line of receiver.client.lines("/files/fetch", body)) {
      const { event, data } = JSON.parse(line) as { event: string; data: JsonObject };
      if (event === "done") return true;
      if (event === "progress") onCurrent(Number(data["current"]));
    }
  } catch {
    // Whoever answered is gone.
  }
  return false;
}

/** Until the side serves again: a node is started anew, a store by its node, or by the operator where it was killed too often. */
async function back(t: Closing, side: Side): Promise<void> {
  if (!isRunning(side.node.ready.pid)) {
    const { dataDir } = side.node;
    side.node = await startNode(t, { dataDir, args: ["--port", side.port] });
  }
  const path = "/plugins/hearthnet/files";
  const answers = async (): Promise<boolean> => {
    const { state } = await side.client.get<{ state: string }>(path);
    if (state === "crash_looped") await side.client.send("POST", `${path}/enable`, {});
    return hasStore(await side.client.get("/files"));
  };
  let failure: unknown;
  const tried = (): Promise<boolean> => answers().catch((error: unknown) => ((failure = error), false));
  await until("its file store answers", tried, PATIENCE_MS).catch(async (cause: unknown) => {
    throw new Error(await stateOf(side, failure), { cause });
  });
}

/** What stands in the way of a store that does not answer. */
async function stateOf({ client }: Side, failure: unknown): Promise<string> {
  const { state, reason } = await client.get<{ state: string; reason: object | null }>("/plugins/hearthnet/files");
  const logs = await client.get<{ items: { message: string }[] }>("/plugins/hearthnet/files/logs?limit=8");
  const said = logs.items.map(({ message }) => message).join(" | ");
  return `The store is ${state} ${JSON.stringify(reason)}; it answers ${JSON.stringify(failure)}; its log: ${said}`;
}

const hasStore = (page: unknown): boolean => (page as { store?: object }).store !== undefined;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function assertKept({ client, node }: Side, cid: string, hash: string): Promise<void> {
  const sum = createHash("sha256");
  const body = { capability: "file.read", node: node.ready.node_id, params: {}, input: { cid }, stream: true };
  for await (const line of client.lines("/call", body)) {
    const { event, data } = JSON.parse(line) as { event: string; data: JsonObject };
    assert.notEqual(event, "error", `${cid}: ${line}`);
    if (event === "chunk") sum.update(Buffer.from(data["data_b64"] as string, "base64url"));
  }
  assert.equal(sum.digest("hex"), hash, `${cid} is what was acknowledged`);
}
