import { execFile } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { CommunityFacts, JsonObject, PeerRow } from "@hearthnet/host/contract";
import { OperatorClient } from "../../host/src/cli/client.ts";
import { until } from "../../host/test/support/until.ts";
import { startNode, type Closing, type LiveNode } from "../support/live-node.ts";
import type { BenchResult } from "./measure.ts";
import { startOther } from "./two-nodes.ts";
import { cpuOf, childrenOf, watchMemory, type Peaks } from "./process-tree.ts";

/**
 * A file from one node to another with hearthnet/files: read, proven, sealed, sent, proven again, written with `O_SYNC`, entered chunk by chunk. Beside
 * `curl --insecure` with TLS 1.3 from a plain `node:https` server, which writes it to the same disk and proves nothing. Two built nodes, four
 * processes; `HN_COPY_MIB` says how large. @source 30 §9
 */
export const name = "file-copy";

const MIB = Number(process.env["HN_COPY_MIB"] ?? 256);
const BYTES = MIB * 1_048_576;
/** Of each process, as issue 5 has it. */
const MEMORY_MIB = 200;
const run_ = promisify(execFile);

interface Copy {
  seconds: number;
  /** CPU seconds of all processes that took part. */
  cpu: number;
}

export async function run(): Promise<Record<string, BenchResult>> {
  const steps: (() => unknown)[] = [];
  const closing: Closing = { after: (step) => void steps.unshift(step) };
  try {
    const folder = mkdtempSync(join(tmpdir(), "hn-bench-"));
    closing.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "large.bin");
    writeLarge(file);
    const theirs = await byCurl(closing, file, join(folder, "by-curl.bin"));
    const { copy: ours, peaks } = await byNodes(closing, file);
    const peak = Math.max(...Object.values(peaks));
    const speed = (copy: Copy): number => MIB / copy.seconds;
    const cost = (copy: Copy): number => (copy.cpu * 1024) / MIB;
    return {
      [name]: { ...row(speed(ours), speed(theirs), speed(ours) / speed(theirs)), unit: `MiB/s of ${MIB} MiB` },
      [`${name}-cpu`]: { ...row(cost(ours), cost(theirs), cost(theirs) / cost(ours)), unit: "CPU seconds per GiB, both sides" },
      [`${name}-memory`]: { ...row(peak, MEMORY_MIB, MEMORY_MIB / peak), unit: "MiB PSS, the largest process" },
    };
  } finally {
    for (const step of steps) await step();
  }
}

function row(value: number, baseline: number, ratio: number): Omit<BenchResult, "unit"> {
  return { value, baseline, ratio };
}

function writeLarge(path: string): void {
  const piece = Buffer.alloc(1_048_576);
  const file = openSync(path, "w");
  for (let at = 0; at < MIB; at += 1) writeSync(file, randomFillSync(piece));
  closeSync(file);
}

async function byCurl(closing: Closing, file: string, target: string): Promise<Copy> {
  const { pid, said: port, stop } = await startOther<number>("file-copy/server.ts", [file]);
  closing.after(stop);
  const url = `https://127.0.0.1:${port}/`;
  const before = cpuOf([pid]);
  const from = performance.now();
  const times = 'TIMEFORMAT=\'%U %S\'; time curl --silent --show-error --fail --insecure --tlsv1.3 --output "$1" "$2"';
  const { stderr } = await run_("bash", ["-c", times, "bash", target, url]);
  const seconds = (performance.now() - from) / 1000;
  if (statSync(target).size !== BYTES) throw new Error("curl did not bring all of it");
  const own = stderr
    .trim()
    .split(" ")
    .reduce((sum, part) => sum + Number(part), 0);
  const copy = { seconds, cpu: own + cpuOf([pid]) - before };
  rmSync(target);
  return copy;
}

async function byNodes(closing: Closing, file: string): Promise<{ copy: Copy; peaks: Peaks }> {
  const [a, b] = [await startNode(closing), await startNode(closing)];
  await a.ask(["community", "create", "Mill Street"]);
  const { fresh_device_id } = await b.ask<CommunityFacts>(["community", "show"]);
  const { invite_blob } = await a.ask<{ invite_blob: string }>(["invite", fresh_device_id]);
  await b.ask(["join", invite_blob]);
  for (const node of [a, b]) {
    await node.ask(["plugin", "install", "hearthnet/files", "--grant", "all", "--confirm", "hearthnet/files"]);
    await node.ask(["plugin", "role", "blob-store", "hearthnet/files"]);
  }
  const cid = await put(a, file);
  await until("the other one offers files", () => offers(b, a), 60_000);
  // What a node holds by its own end is not what the copy costs.
  const peers = new OperatorClient(b.dataDir);
  const trees = { "the giving node": a.ready.pid, "the taking node": b.ready.pid };
  /** Seconds of each node's daemon, and of everything below it. */
  const used = (): number[] => Object.values(trees).flatMap((pid) => [cpuOf([pid]), cpuOf(childrenOf(pid).slice(1))]);
  const watched = watchMemory(trees);
  const before = used();
  const from = performance.now();
  let last: JsonObject = {};
  for await (const line of peers.lines("/files/fetch", { cid, sources: [a.ready.node_id] }))
    last = JSON.parse(line) as JsonObject;
  const seconds = (performance.now() - from) / 1000;
  const spent = used().map((now, at) => now - (before[at] ?? 0));
  const peaks = watched.stop();
  for (const [who, mib] of Object.entries(peaks))
    process.stderr.write(`  peak PSS of ${who}: ${mib.toFixed(0)} MiB, ${watched.before[who]?.toFixed(0) ?? "?"} before\n`);
  if (last["event"] !== "done") throw new Error(`The copy did not end well: ${JSON.stringify(last)}`);
  if ((await hashAt(b, cid)) !== (await hashOf(file))) throw new Error("What came is not what was there.");
  const parts = spent.map((part) => ((part * 1024) / MIB).toFixed(1)).join(" · ");
  process.stderr.write(`  CPU seconds per GiB, giving daemon · its plugin · taking daemon · its plugin: ${parts}\n`);
  return { copy: { seconds, cpu: spent.reduce((sum, part) => sum + part, 0) }, peaks };
}

/** @returns its content id */
async function put(node: LiveNode, file: string): Promise<string> {
  const socket = join(node.dataDir, "admin.sock");
  const words = ["--silent", "--show-error", "--unix-socket", socket, "--request", "POST", "--upload-file", file];
  const type = ["--header", "content-type: application/octet-stream"];
  const { stdout } = await run_("curl", [
    ...words,
    ...type,
    "http://localhost/api/v1/uploads?visibility=community&name=large.bin",
  ]);
  return (JSON.parse(stdout) as { cid: string }).cid;
}

async function offers(node: LiveNode, from: LiveNode): Promise<boolean> {
  const { items } = await new OperatorClient(node.dataDir).get<{ items: PeerRow[] }>("/peers");
  return items.some(
    ({ node_id, capabilities }) => node_id === from.ready.node_id && capabilities.some((one) => one.startsWith("file.read@")),
  );
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest("hex");
}

/** Of the file as the node gives it out. */
async function hashAt(node: LiveNode, cid: string): Promise<string> {
  const socket = join(node.dataDir, "admin.sock");
  const words = 'curl --silent --fail --unix-socket "$1" "http://localhost/api/v1/files/$2" | sha256sum';
  const { stdout } = await run_("bash", ["-c", words, "bash", socket, cid]);
  return stdout.slice(0, 64);
}
