import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "@nats-io/transport-node";
import { until } from "../../host/test/support/until.ts";
import { freePort } from "../support/free-port.ts";
import type { BenchResult } from "./measure.ts";
import { besideRival, type Rival } from "./peer-session/beside.ts";
import { BODY } from "./signed-http/letter.ts";
import { startOther } from "./two-nodes.ts";

/**
 * CPU per call on a peer session under seals, 64 in flight, beside request and reply through a nats-server. Ours runs over TLS, proves every frame
 * and signs; theirs does nothing of that. Both processes count, and the server between theirs. @source network.md §8 B4
 */
export const name = "session-beside-nats";

const SERVER = "nats-server";
const TIMEOUT_MS = 30_000;

/** No row where the machine has no nats-server. */
export async function run(): Promise<BenchResult | Record<string, never>> {
  if (spawnSync(SERVER, ["--version"]).status !== 0) {
    process.stderr.write(`${name}: not run: needs ${SERVER}\n`);
    return {};
  }
  return besideRival(openNats);
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
