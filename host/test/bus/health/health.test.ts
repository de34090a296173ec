import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HnError } from "../../../src/foundation/index.ts";
import { ERRORS } from "../../../src/contract/index.ts";
import { isProviderFault } from "../../../src/bus/health/fault.ts";
import { Health } from "../../../src/bus/health/quarantine.ts";
import { HealthRing } from "../../../src/bus/health/ring.ts";

describe("the ring (03 §7)", () => {
  test("knows nothing bad about an empty record", () => {
    const ring = new HealthRing();
    assert.equal(ring.successRate, 1);
    assert.equal(ring.latencyAt(0.5), 0);
  });
  test("forgets what lies more than 100 calls back", () => {
    const ring = new HealthRing();
    for (let i = 0; i < 50; i++) ring.add(false, 1000);
    for (let i = 0; i < 100; i++) ring.add(true, i);
    assert.equal(ring.successRate, 1);
    assert.equal(ring.samples, 100);
    assert.equal(ring.latencyAt(0.5), 49);
    assert.equal(ring.latencyAt(0.99), 98);
  });
});

describe("quarantine (03 §7, B-10)", () => {
  const fail = (health: Health, now: number, probe = false): boolean => health.record({ ok: false, latencyMs: 1, now, probe });
  const ok = (health: Health, now: number, probe = false): boolean => health.record({ ok: true, latencyMs: 1, now, probe });

  test("needs five samples before it judges", () => {
    const health = new Health();
    for (let i = 0; i < 4; i++) assert.equal(fail(health, 0), false);
    assert.equal(health.state(0), "open");
    assert.equal(fail(health, 0), true);
    assert.equal(health.state(1), "quarantined");
    assert.equal(health.state(59_999), "quarantined");
  });
  test("exactly half is still good enough", () => {
    const health = new Health();
    for (let i = 0; i < 3; i++) ok(health, 0);
    for (let i = 0; i < 3; i++) fail(health, 0);
    assert.equal(health.state(0), "open");
    fail(health, 0);
    assert.equal(health.state(0), "quarantined");
  });
  test("lets exactly one probe through afterwards", () => {
    const health = new Health();
    for (let i = 0; i < 5; i++) fail(health, 0);
    assert.equal(health.state(60_000), "probe");
    assert.equal(health.begin(60_000), true);
    assert.equal(health.state(60_000), "quarantined");
    assert.equal(health.begin(60_000), false);
  });
  test("a good probe clears the record", () => {
    const health = new Health();
    for (let i = 0; i < 5; i++) fail(health, 0);
    health.begin(60_000);
    ok(health, 60_001, true);
    assert.equal(health.state(60_001), "open");
    assert.equal(health.ring.successRate, 1);
  });
  test("a bad probe means another minute at once", () => {
    const health = new Health();
    for (let i = 0; i < 5; i++) fail(health, 0);
    health.begin(60_000);
    assert.equal(fail(health, 60_001, true), true);
    assert.equal(health.state(120_000), "quarantined");
    assert.equal(health.state(120_001), "probe");
  });
  test("a probe without a verdict leaves room for the next", () => {
    const health = new Health();
    for (let i = 0; i < 5; i++) fail(health, 0);
    health.begin(60_000);
    health.neutral(true);
    assert.equal(health.state(60_000), "probe");
  });
});

test("only the provider's own faults count against it (03 B-10)", () => {
  const faults = new Set(["internal_error", "timeout", "partition", "not_implemented"]);
  for (const code of Object.keys(ERRORS) as (keyof typeof ERRORS)[]) {
    assert.equal(isProviderFault(new HnError(code)), faults.has(code), code);
  }
  assert.equal(isProviderFault(new HnError("invalid_signature", { reason: "response_unsigned" })), true);
  assert.equal(isProviderFault(new HnError("invalid_signature", { reason: "replayed" })), false);
  assert.equal(isProviderFault(new TypeError("bug")), true);
});
