import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { Pool } from "undici";
import { openKeystore, selfTest, type Signer } from "../../host/src/identity/index.ts";
import { SUITES } from "../../host/src/transport/session/cipher.ts";
import { Initiator, Responder } from "../../host/src/transport/session/handshake.ts";
import { compare, type BenchResult } from "./measure.ts";
import { BODY } from "./signed-http/letter.ts";
import type { SessionPlaces } from "./peer-session/letter.ts";
import { sessionCall } from "./peer-session/our-call.ts";
import { signedCall } from "./signed-http/our-call.ts";
import { startOther, type Call } from "./two-nodes.ts";

/**
 * CPU per call on a peer session, beside a bare fastify echo over TLS that signs nothing: calls whose seals follow, calls that run under a seal,
 * both with 64 in flight, and the latter one by one, also beside the same calls by HTTP with a signature on each request and answer. Caller and
 * called are processes of their own and both count. And a whole handshake, both sides, beside a TLS 1.3 one with an Ed25519 certificate.
 * @source network.md §8 B2, B4, B4a, B6
 */
export const name = "peer-session";

/** Long enough that what is measured is the code, and not its being compiled. */
const ROUND = Number(process.env["HN_BENCH_ROUND"] ?? 30_000);
const WIDTH = 64;
const CONNECTIONS = 16;
const HANDSHAKES = 100;

/** Ratio: how many of our calls cost what one of the echo does. */
export async function run(): Promise<Record<string, BenchResult>> {
  await selfTest();
  const folder = mkdtempSync(join(tmpdir(), "hn-bench-"));
  const other = await startOther<SessionPlaces>("peer-session/server.ts");
  const places = other.said;
  const pool = new Pool(places.tls, { connections: CONNECTIONS, pipelining: 1, connect: { rejectUnauthorized: false } });
  const { signer } = openKeystore(folder);
  const { call, stop } = sessionCall(signer, places);
  const signed = signedCall(openKeystore(join(folder, "signed")).signer, places, "ext.bench.change");
  const beside = (ours: Call, width = WIDTH, theirs = bareCall(pool)): Promise<BenchResult> =>
    compare({
      ours,
      theirs,
      round: width === 1 ? ROUND / 20 : ROUND,
      width,
      others: { ours: [other.pid], theirs: [other.pid] },
    });
  const results = {
    [`${name}-seals-after`]: await beside(call({ idempotent: true })),
    [`${name}-seals-with`]: await beside(call({ idempotent: false })),
    [`${name}-seals-with-one-by-one`]: await beside(call({ idempotent: false }), 1),
    [`${name}-seals-with-one-by-one-beside-signed-http`]: await beside(call({ idempotent: false }), 1, signed.call),
    [`${name}-handshake`]: await handshakes(signer, folder),
  };
  await Promise.all([stop(), signed.stop(), pool.destroy()]);
  await other.stop();
  rmSync(folder, { recursive: true, force: true });
  return results;
}

function bareCall(pool: Pool): Call {
  const headers = { "content-type": "application/json" };
  return async () => {
    const reply = await pool.request({ method: "POST", path: "/echo", headers, body: JSON.stringify(BODY) });
    return reply.body.json();
  };
}

/** Both sides of both in this process. */
async function handshakes(signer: Signer, folder: string): Promise<BenchResult> {
  const other = openKeystore(join(folder, "other"));
  const both = {
    community: signer.nodeId,
    boot: "01J9Z3K8V4Q2N7M5C6B1A0XWYA",
    random: (n: number): Uint8Array => crypto.getRandomValues(new Uint8Array(n)),
    now: () => Date.now(),
    suites: SUITES,
    binding: Buffer.alloc(32, 1),
    via: "" as const,
  };
  const ours = (): Promise<unknown> => {
    const initiator = new Initiator({ ...both, signer, to: other.nodeId });
    const responder = new Responder({ ...both, signer: other.signer, admit: () => undefined });
    const { confirm } = initiator.answer(responder.hello(initiator.hello));
    return Promise.resolve(responder.confirm(confirm));
  };
  const tls = await other.tls();
  const server = createServer({ key: tls.key[0], cert: tls.cert[0], minVersion: "TLSv1.3" }, (socket) => socket.end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const theirs = async (): Promise<unknown> => {
    const socket: TLSSocket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
    socket.resume();
    return once(socket, "close");
  };
  const result = await compare({ ours, theirs, round: HANDSHAKES });
  server.close();
  return { ...result, unit: "µs CPU per handshake" };
}
