import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { until } from "../../support/until.ts";
import { COUNT, GRANTS, ID, openUpgradeWorld, SAY, versioned } from "../fixtures/upgrade-world.ts";
import { hasBubblewrap } from "../fixtures/world.ts";

/** `HN_SWAP_CALLS=100000` for the figure of plugin-platform §11. */
const CALLS = Number(process.env["HN_SWAP_CALLS"] ?? 12_000);
const IN_FLIGHT = 8;
/** One call in so many has an effect. */
const EFFECT_EVERY = 20;
const LONG_MS = 600_000;

const p99 = (samples: number[]): number => {
  const sorted = samples.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length * 0.99)] ?? 0) * 100) / 100;
};

test(`no call of ${CALLS} is lost while one release follows another, bad ones come and go; what has an effect is done once (§11)`, async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const world = await openUpgradeWorld({ upgradeTimes: { drainMs: 60_000, probationMs: 600_000 } });
  t.after(() => world.close());
  const limits = { callsPerMinute: 10_000_000 };
  const make = (version: string, bad = ""): ReturnType<typeof versioned> =>
    versioned(world.folder, version, { bad, manifest: { limits } });
  await world.runtime.stage(make("1.0.0"), GRANTS);

  let sent = 0;
  let changing = false;
  let over = false;
  const failed: unknown[] = [];
  const answered = new Map<unknown, number>();
  const latencies = { steady: [] as number[], changing: [] as number[] };
  const caller = async (): Promise<void> => {
    while (sent < CALLS || !over) {
      const n = (sent += 1);
      const during = changing;
      const start = performance.now();
      try {
        const { version } = await (n % EFFECT_EVERY === 0 ? world.call(COUNT, { key: `k${n}` }) : world.call(SAY, { n }));
        answered.set(version, (answered.get(version) ?? 0) + 1);
      } catch (error) {
        failed.push(error);
      }
      latencies[during ? "changing" : "steady"].push(performance.now() - start);
    }
  };
  const change = async (version: string, bad?: string): Promise<void> => {
    changing = true;
    await world.runtime.stage(make(version, bad), GRANTS).finally(() => (changing = false));
  };
  const story = async (): Promise<void> => {
    await until("a fifth is sent", () => sent > CALLS / 5, LONG_MS);
    await change("2.0.0");
    const first = sent;
    await until("some more are sent", () => sent > first + CALLS / 5, LONG_MS);
    await assert.rejects(change("2.1.0", `if (input.n % 3 === 0) throw new Error("worse");`), { reason: "probe_failed" });
    const third = sent;
    await until("some more are sent", () => sent > third + CALLS / 10, LONG_MS);
    // Longer well than it is tried with a tenth of the calls.
    const later = `globalThis.seen = (globalThis.seen ?? 0) + 1; if (seen > 100 && input.n % 3 === 0) throw new Error("worse");`;
    await change("3.0.0", later);
    await until("the bad one is taken back", () => world.runtime.get(ID)?.version === "2.0.0", LONG_MS);
    const second = sent;
    await until("some more are sent", () => sent > second + CALLS / 5, LONG_MS);
  };
  const callers = Array.from({ length: IN_FLIGHT }, caller);
  await story().finally(() => (over = true));
  await Promise.all(callers);

  assert.deepEqual(failed, []);
  assert.deepEqual(new Set(answered.keys()), new Set(["1.0.0", "2.0.0", "2.1.0", "3.0.0"]));
  const db = new DatabaseSync(join(world.folder, "node", "runtime", "plugins", ...ID.split("/"), "kv.db"), { readOnly: true });
  const rows = db.prepare("SELECT key, CAST(value AS TEXT) AS value FROM entry").all() as { key: string; value: string }[];
  db.close();
  assert.equal(rows.length, Math.floor(sent / EFFECT_EVERY));
  assert.deepEqual(
    rows.filter(({ value }) => value !== "1"),
    [],
  );
  const switches = world.runtime
    .logs(ID, { limit: 500 })
    .flatMap(({ message }) => /the switch took (\d+) µs/.exec(message)?.[1] ?? []);
  t.diagnostic(`figure: ${sent} calls, 0 failed; switches of 3 capabilities ${switches.join(", ")} µs`);
  t.diagnostic(
    `figure: p99 ${p99(latencies.steady)} ms steady, ${p99(latencies.changing)} ms while a release starts and takes over`,
  );
});
