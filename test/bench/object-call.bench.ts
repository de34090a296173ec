import { join } from "node:path";
import { temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { GrantTable } from "../../host/src/runtime/permission/index.ts";
import { Daemon } from "../security/attacks/daemon.ts";
import { HOSTILE } from "../security/attacks/hostile.ts";
import { judge, median, type BenchResult } from "./measure.ts";
import { startBare } from "./plugin-call/bare.ts";

/**
 * A call that carries an object tree of 64 KB there and back, beside the same tree as JSON through a bare process; and what share of one op the
 * check of its permission is. @source plugin-platform §11
 */
export const name = "object-call";

const TREE = {
  rows: Array.from({ length: 480 }, (_, n) => ({
    id: n,
    name: `row ${n}`,
    tags: ["wood", "water"],
    at: [n, n + 1],
    note: "x".repeat(60),
  })),
};
const CALLS = 60;
const ROUNDS = 7;
/** Fewer than are free before a plugin is slowed down. */
const OPS = 3000;
const CHECKS = 200_000;

export async function run(): Promise<Record<string, BenchResult>> {
  const daemon = await Daemon.open(temporaryFolder());
  const entry = join(import.meta.dirname, "..", "fixtures", "plugins", "echo", "plugin.ts");
  await daemon.install({ id: "lab/echo", capability: "ext.echo.ping", entry, callsPerMinute: 1_000_000 });
  await daemon.install({ ...HOSTILE, id: "lab/asker", permissions: ["storage.kv"] });
  const bare = startBare(TREE);
  const call = (): Promise<unknown> => daemon.call("ext.echo.ping", TREE);
  await p50(call);
  await p50(bare.call);
  const samples: [number, number][] = [];
  for (let round = 0; round < ROUNDS; round += 1) samples.push([await p50(call), await p50(bare.call)]);
  const op = await oneOp(daemon);
  const check = oneCheck();
  await bare.stop();
  await daemon.close();
  const size = JSON.stringify(TREE).length;
  return {
    [name]: judge(samples, { unit: `µs for ${size} bytes there and back`, better: "less" }),
    "permission-check": { value: check, baseline: op, ratio: op / check, unit: "µs for one check, of one op" },
  };
}

async function p50(call: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < CALLS; n += 1) {
    const from = performance.now();
    await call();
    times.push((performance.now() - from) * 1000);
  }
  return median(times);
}

/** Microseconds of one op as the plugin sees it. */
async function oneOp(daemon: Daemon): Promise<number> {
  const code = `for (let n = 0; n < 500; n += 1) await ctx.kv.get("k"); const from = performance.now(); for (let n = 0; n < ${OPS}; n += 1) await ctx.kv.get("k"); return { us: ((performance.now() - from) * 1000) / ${OPS} };`;
  const { us } = await daemon.call(HOSTILE.capability, { code });
  return Number(us);
}

function oneCheck(): number {
  const grants = [
    { permission: "bus.provide" as const, scope: { prefixes: ["ext.hostile."] } },
    { permission: "storage.kv" as const, scope: { quotaMb: 8 } },
  ].map((grant) => ({ ...grant, mode: "allow" as const, grantedBy: "operator" as const, at: 0 }));
  const table = new GrantTable(grants);
  const from = performance.now();
  for (let n = 0; n < CHECKS; n += 1) table.kvBytes();
  return ((performance.now() - from) * 1000) / CHECKS;
}
