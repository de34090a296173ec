import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker, type BrokerOptions } from "moleculer";
import { openKeystore, selfTest } from "../../host/src/identity/index.ts";
import { freePort } from "../support/free-port.ts";
import { compare, type BenchResult } from "./measure.ts";
import type { SessionPlaces } from "./peer-session/letter.ts";
import { sessionCall } from "./peer-session/our-call.ts";
import { BODY } from "./signed-http/letter.ts";
import { startOther, type Call } from "./two-nodes.ts";

/**
 * CPU per call on a peer session under seals, 64 in flight, beside moleculer's TCP transporter. Ours runs over TLS, proves every frame and signs;
 * theirs does nothing of that. Both processes count. @source network.md §8 B4
 */
export const name = "session-beside-moleculer";

const ROUND = Number(process.env["HN_BENCH_ROUND"] ?? 10_000);
const WIDTH = 64;

interface Rival {
  call: Call;
  pids: number[];
  stop: () => Promise<void>;
}

/** Ratio: how many of our calls cost what one of theirs does. */
export async function run(): Promise<BenchResult> {
  await selfTest();
  const folder = mkdtempSync(join(tmpdir(), "hn-bench-"));
  const other = await startOther<SessionPlaces>("peer-session/server.ts");
  const ours = sessionCall(openKeystore(folder).signer, other.said);
  const rival = await openMoleculer();
  const others = { ours: [other.pid], theirs: rival.pids };
  const call = ours.call({ idempotent: false });
  const result = await compare({ ours: call, theirs: rival.call, round: ROUND, width: WIDTH, others });
  await rival.stop();
  await ours.stop();
  await other.stop();
  rmSync(folder, { recursive: true, force: true });
  return result;
}

async function openMoleculer(): Promise<Rival> {
  const urls = [`127.0.0.1:${await freePort()}/caller`, `127.0.0.1:${await freePort()}/called`].join(",");
  const called = await startOther("peer-session/moleculer-node.ts", [urls, "called"]);
  const transporter: BrokerOptions["transporter"] = { type: "TCP", options: { udpDiscovery: false, urls } };
  const broker = new ServiceBroker({ nodeID: "caller", logger: false, requestTimeout: 30_000, transporter });
  await broker.start();
  await broker.waitForServices("bench", 20_000);
  return {
    call: () => broker.call("bench.echo", BODY.input),
    pids: [called.pid],
    stop: async () => {
      await broker.stop();
      await called.stop();
    },
  };
}
