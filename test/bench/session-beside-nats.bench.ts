import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { until } from "../../host/test/support/until.ts";
import { openKeystore, selfTest } from "../../host/src/identity/index.ts";
import { freePort } from "../support/free-port.ts";
import { compare, type BenchResult } from "./measure.ts";
import type { SessionPlaces } from "./peer-session/letter.ts";
import { sessionCall } from "./peer-session/our-call.ts";
import { BODY } from "./signed-http/letter.ts";
import { startOther, type Call } from "./two-nodes.ts";

/**
 * CPU per call on a peer session under seals, 64 in flight, beside request and reply through a nats-server. Ours runs over TLS, proves every frame
 * and signs; theirs does nothing of that. Both processes count, and the server between theirs. @source network.md §8 B4
 */
export const name = "session-beside-nats";

const ROUND = Number(process.env["HN_BENCH_ROUND"] ?? 10_000);
const WIDTH = 64;
const SERVER = "nats-server";
const TIMEOUT_MS = 30_000;

interface Rival {
  call: Call;
  pids: number[];
  stop: () => Promise<void>;
}

/** Ratio: how many of our calls cost what one of theirs does; no row where the machine has no nats-server. */
export async function run(): Promise<BenchResult | Record<string, never>> {
  if (spawnSync(SERVER, ["--version"]).status !== 0) {
    process.stderr.write(`${name}: not run: needs ${SERVER}\n`);
    return {};
  }
  await selfTest();
  const folder = mkdtempSync(join(tmpdir(), "hn-bench-"));
  const other = await startOther<SessionPlaces>("peer-session/server.ts");
  const ours = sessionCall(openKeystore(folder).signer, other.said);
  const rival = await openNats();
  const others = { ours: [other.pid], theirs: rival.pids };
  const call = ours.call({ idempotent: false });
  const result = await compare({ ours: call, theirs: rival.call, round: ROUND, width: WIDTH, others });
  await rival.stop();
  await ours.stop();
  await other.stop();
  rmSync(folder, { recursive: true, force: true });
  return result;
}

async function openNats(): Promise<Rival> {
  const port = await freePort();
  const server = spawn(SERVER, ["--addr", "127.0.0.1", "--port", String(port)], { stdio: "ignore" });
  const gone = once(server, "exit");
  const connection = await until(
    "the server takes connections",
    () => connect({ servers: `127.0.0.1:${port}` }).catch(() => null),
    TIMEOUT_MS,
  );
  const called = await startOther("peer-session/nats-node.ts", [String(port)]);
  return {
    // As moleculer's and ours, it has read the answer.
    call: async () => (await connection.request("bench.echo", JSON.stringify(BODY.input), { timeout: TIMEOUT_MS })).json(),
    pids: [called.pid, server.pid ?? 0],
    stop: async () => {
      await connection.close();
      await called.stop();
      server.kill();
      await gone;
    },
  };
}
