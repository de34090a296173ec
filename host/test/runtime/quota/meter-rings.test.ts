import assert from "node:assert/strict";
import { test } from "node:test";
import type { MeterSample, PluginResources } from "../../../src/contract/index.ts";
import { ManualClock } from "../../../src/foundation/index.ts";
import { MeterRings } from "../../../src/runtime/quota/index.ts";

const RESOURCES: PluginResources = {
  rssMb: 50,
  cpuPercent: 1,
  pids: 3,
  diskMb: null,
  egressMb: null,
  calls: 0,
  callsPerMinute: 0,
  queue: 0,
  p50Ms: 0,
  p99Ms: 0,
  strikes: 0,
};

test("keeps the last ten minutes of each plugin, a sample a second, and hands on each as it is taken (§7)", () => {
  const clock = new ManualClock();
  let calls = 0;
  const rings = new MeterRings({ clock, look: () => [{ id: "dev/a", resources: { ...RESOURCES, calls: (calls += 1) } }] });
  const heard: MeterSample[] = [];
  const stop = rings.listen("dev/a", (sample) => heard.push(sample));
  clock.advance(3000);
  stop();
  clock.advance(697_000);
  const samples = rings.read("dev/a");
  assert.deepEqual(
    heard.map((sample) => sample.calls),
    [1, 2, 3],
  );
  assert.equal(samples.length, 600);
  assert.equal(samples.at(-1)?.calls, 700);
  assert.ok(samples.every(({ at }, n) => n === 0 || at - (samples[n - 1]?.at ?? 0) === 1000));
  assert.deepEqual(rings.read("dev/b"), []);
  rings.close();
  clock.advance(300_000);
  assert.equal(rings.read("dev/a").length, 300, "what is older than ten minutes is not shown");
  rings.forget("dev/a");
  assert.deepEqual(rings.read("dev/a"), []);
});
