import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "undici";
import type { RequestEnvelope } from "../../host/src/contract/index.ts";
import { openKeystore, selfTest, verifyTyped } from "../../host/src/identity/index.ts";
import { compare, type BenchResult } from "./measure.ts";
import { BODY, type Places } from "./signed-http/letter.ts";
import { signedCall } from "./signed-http/our-call.ts";
import { startOther, type Call } from "./two-nodes.ts";

/**
 * CPU per call between two nodes, request and answer each signed and verified, beside a bare fastify echo that signs nothing, with TLS and
 * without. Caller and called are processes of their own and both count; 16 kept connections, 64 calls in flight.
 * @source architecture §7, network.md §8 B3
 */
export const name = "signed-http";

const ROUND = 2000;
const WIDTH = 64;
const CONNECTIONS = 16;

/** Ratio: the share of the bare echo's calls that is left. */
export async function run(): Promise<Record<string, BenchResult>> {
  await selfTest();
  const folder = mkdtempSync(join(tmpdir(), "hn-bench-"));
  const other = await startOther<Places>("signed-http/server.ts");
  const places = other.said;
  const pools: Pool[] = [];
  const ours = signedCall(openKeystore(folder).signer, places);
  const echo = (url: string): Call => {
    const pool = new Pool(url, { connections: CONNECTIONS, pipelining: 1, connect: { rejectUnauthorized: false } });
    pools.push(pool);
    return bareCall(pool);
  };
  const beside = (theirs: Call): Promise<BenchResult> =>
    compare({ ours: ours.call, theirs, round: ROUND, width: WIDTH, others: { ours: [other.pid], theirs: [other.pid] } });
  const overTls = await beside(echo(places.tls));
  const results = {
    [name]: overTls,
    [`${name}-beside-plain-http`]: await beside(echo(places.plain)),
    [`${name}-if-only-signatures-cost`]: await bound(folder, overTls.baseline),
  };
  await Promise.all([ours.stop(), ...pools.map((pool) => pool.destroy())]);
  await other.stop();
  rmSync(folder, { recursive: true, force: true });
  return results;
}

/** What would be left of the echo if nothing but two signatures and two verifications came on top: no code around them can do better. */
async function bound(folder: string, echoCost: number): Promise<BenchResult> {
  const { signer } = openKeystore(folder);
  const envelope: RequestEnvelope = {
    body: BODY,
    capability: "ext.bench.echo",
    community: signer.nodeId,
    from: signer.nodeId,
    request_id: "01J9Z3K8V4Q2N7M5C6B1A0XWYT",
    timestamp: "2026-07-01T12:00:00Z",
    to: signer.nodeId,
    version: "1.0",
  };
  const once = (): boolean => verifyTyped("request", envelope, { by: signer.nodeId, signature: signer.signRequest(envelope) });
  const both = (): Promise<unknown> => Promise.resolve(once() && once());
  const { value } = await compare({ ours: both, theirs: both, round: ROUND / 4 });
  return { value: value + echoCost, baseline: echoCost, ratio: echoCost / (value + echoCost), unit: "µs CPU per call" };
}

function bareCall(pool: Pool): Call {
  const headers = { "content-type": "application/json" };
  return async () => {
    const reply = await pool.request({ method: "POST", path: "/echo", headers, body: JSON.stringify(BODY) });
    return reply.body.json();
  };
}
