import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openKeystore, selfTest } from "../../../host/src/identity/index.ts";
import { compare, type BenchResult } from "../measure.ts";
import { startOther, type Call } from "../two-nodes.ts";
import type { SessionPlaces } from "./letter.ts";
import { sessionCall } from "./our-call.ts";

const ROUND = Number(process.env["HN_BENCH_ROUND"] ?? 10_000);
const WIDTH = 64;

/** Another system that carries the same call. */
export interface Rival {
  call: Call;
  /** Processes beside this one that have a part in it. */
  pids: number[];
  stop: () => Promise<void>;
}

/** CPU per call on a peer session under seals, 64 in flight, all processes counted. Ratio: how many of our calls cost what one of theirs does. */
export async function besideRival(open: () => Promise<Rival>): Promise<BenchResult> {
  await selfTest();
  const folder = mkdtempSync(join(tmpdir(), "hn-bench-"));
  const other = await startOther<SessionPlaces>("peer-session/server.ts");
  const ours = sessionCall(openKeystore(folder).signer, other.said);
  const rival = await open();
  const others = { ours: [other.pid], theirs: rival.pids };
  const call = ours.call({ idempotent: false });
  const result = await compare({ ours: call, theirs: rival.call, round: ROUND, width: WIDTH, others });
  await rival.stop();
  await ours.stop();
  await other.stop();
  rmSync(folder, { recursive: true, force: true });
  return result;
}
