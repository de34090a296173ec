import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingMessage } from "node:http";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openKeystore, selfTest } from "../../host/src/identity/index.ts";
import type { Link } from "../../host/src/transport/index.ts";
import { cpuOf, judge, type BenchResult } from "./measure.ts";
import { BYTES, PIECE_BYTES, type SessionPlaces } from "./peer-session/letter.ts";
import { letterTo, linkTo, startOther } from "./two-nodes.ts";

/**
 * Bytes in pieces of 256 KiB from node to node on a peer session: proven piece by piece, hashed for the seal, handed to a reader that paces them.
 * Beside `node:https` with the same bytes on the same machine, which proves nothing beyond TLS. @source network.md §1.4, §8
 */
export const name = "peer-bytes";

const PIECES = Number(process.env["HN_BENCH_PIECES"] ?? 400);
const ROUNDS = 7;
const MIB = (PIECES * PIECE_BYTES) / 1_048_576;

/** Ratio: our speed as a share of what TLS alone reaches, and the same for what a MiB costs both processes. */
export async function run(): Promise<Record<string, BenchResult>> {
  await selfTest();
  const folder = mkdtempSync(join(tmpdir(), "hn-bench-"));
  const other = await startOther<SessionPlaces>("peer-session/server.ts");
  const places = other.said;
  const link = linkTo(openKeystore(folder).signer, places.nodeId);
  const speed: [number, number][] = [];
  const cpu: [number, number][] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const ours = await measured(other.pid, () => bySession(link, places));
    const theirs = await measured(other.pid, () => byHttps(places.bytes));
    if (round === 0) continue;
    speed.push([ours.speed, theirs.speed]);
    cpu.push([ours.cpu, theirs.cpu]);
  }
  await link.close();
  await other.stop();
  rmSync(folder, { recursive: true, force: true });
  return {
    [name]: judge(speed, { unit: "MiB/s in pieces of 256 KiB", better: "more" }),
    [`${name}-cpu`]: judge(cpu, { unit: "µs CPU per MiB", better: "less" }),
  };
}

async function bySession(link: Link, { nodeId, ours }: SessionPlaces): Promise<number> {
  const letter = letterTo(nodeId, ours);
  const session = link.sessions.live(nodeId) ?? (await link.sessions.open(nodeId, letter.endpoints));
  if (!session.isLive) throw new Error("the session is over");
  const body = { params: {}, input: { count: PIECES } };
  const frames = link.stream({ ...letter, capability: BYTES, body, stream: true, idempotent: true });
  let bytes = 0;
  for await (const { data } of frames) bytes += (data["bytes"] as unknown as Uint8Array).byteLength;
  return bytes;
}

async function byHttps(url: string): Promise<number> {
  const [reply] = (await once(get(`${url}?count=${PIECES}`, { rejectUnauthorized: false }), "response")) as [IncomingMessage];
  let bytes = 0;
  reply.on("data", (chunk: Buffer) => (bytes += chunk.byteLength));
  await once(reply, "end");
  return bytes;
}

async function measured(pid: number, act: () => Promise<number>): Promise<{ speed: number; cpu: number }> {
  const before = cpuOf([pid]);
  const from = performance.now();
  const bytes = await act();
  const seconds = (performance.now() - from) / 1000;
  if (bytes !== PIECES * PIECE_BYTES) throw new Error(`${bytes} bytes came`);
  return { speed: MIB / seconds, cpu: (cpuOf([pid]) - before) / MIB };
}
