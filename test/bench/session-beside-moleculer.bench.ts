import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker, type BrokerOptions } from "moleculer";
import { openKeystore, selfTest } from "../../host/src/identity/index.ts";
import { compare, type BenchResult } from "./measure.ts";
import type { SessionPlaces } from "./peer-session/letter.ts";
import { sessionCall, type Call } from "./peer-session/our-call.ts";
import { BODY } from "./signed-http/letter.ts";

/**
 * CPU per call on a peer session under seals, 64 in flight, beside moleculer's TCP transporter. Ours runs over TLS, proves every frame and signs;
 * theirs does nothing of that. Both processes count. @source network.md §8 B4
 */
export const name = "session-beside-moleculer";

const ROUND = Number(process.env["HN_BENCH_ROUND"] ?? 10_000);
const WIDTH = 64;
const OPTIONS = { execArgv: ["--no-warnings", "--conditions=hearthnet-source"] };

interface Rival {
  call: Call;
  pids: number[];
  stop: () => Promise<void>;
}

/** Ratio: how many of our calls cost what one of theirs does. */
export async function run(): Promise<BenchResult> {
  await selfTest();
  const folder = mkdtempSync(join(tmpdir(), "hn-bench-"));
  const child = fork(join(import.meta.dirname, "peer-session", "server.ts"), OPTIONS);
  const [places] = (await once(child, "message")) as [SessionPlaces];
  const ours = sessionCall(openKeystore(folder).signer, places);
  const rival = await openMoleculer();
  const others = { ours: [child.pid ?? 0], theirs: rival.pids };
  const call = ours.call({ idempotent: false });
  const result = await compare({ ours: call, theirs: rival.call, round: ROUND, width: WIDTH, others });
  await rival.stop();
  await ours.stop();
  await gone(child);
  rmSync(folder, { recursive: true, force: true });
  return result;
}

async function openMoleculer(): Promise<Rival> {
  const urls = [`127.0.0.1:${await freePort()}/caller`, `127.0.0.1:${await freePort()}/called`].join(",");
  const child = fork(join(import.meta.dirname, "peer-session", "moleculer-node.ts"), [urls, "called"], OPTIONS);
  await once(child, "message");
  const transporter: BrokerOptions["transporter"] = { type: "TCP", options: { udpDiscovery: false, urls } };
  const broker = new ServiceBroker({ nodeID: "caller", logger: false, requestTimeout: 30_000, transporter });
  await broker.start();
  await broker.waitForServices("bench", 20_000);
  return {
    call: () => broker.call("bench.echo", BODY.input),
    pids: [child.pid ?? 0],
    stop: async () => {
      await broker.stop();
      await gone(child);
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function gone(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.disconnect();
  await ended;
}
