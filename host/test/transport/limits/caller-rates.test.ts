import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { CallerRates } from "../../../src/transport/limits/caller-rates.ts";
import { holds } from "../../support/property.ts";

const RATES = { softPerCapability: 10, hardPerCapability: 100, softTotal: 100, hardTotal: 1000 };
const call = fc.record({ capability: fc.constantFrom("a.b", "c.d", "e.f"), wait: fc.nat({ max: 300 }) });

describe("rates of a caller (02 §6, T-12)", () => {
  it("never let through more than a bucket and the rate since, for one capability or for all", () => {
    holds(
      fc.property(fc.array(call, { maxLength: 300 }), (calls) => {
        const rates = new CallerRates(RATES);
        const passed = new Map<string, number>();
        let now = 5000;
        for (const { capability, wait } of calls) {
          now += wait;
          const verdict = rates.take("caller", capability, now);
          if (verdict.kind === "wait") assert.ok(verdict.retryAfterMs > 0);
          if (verdict.kind !== "pass") continue;
          for (const key of [capability, "all"]) passed.set(key, (passed.get(key) ?? 0) + 1);
          const seconds = (now - 5000) / 1000;
          assert.ok((passed.get(capability) ?? 0) <= 20 + 10 * seconds + 1e-9);
          assert.ok((passed.get("all") ?? 0) <= 200 + 100 * seconds + 1e-9);
        }
      }),
    );
  });

  it("let through who waits as long as it was told", () => {
    holds(
      fc.property(fc.integer({ min: 20, max: 90 }), (burst) => {
        const rates = new CallerRates(RATES);
        let last = rates.take("caller", "a.b", 0);
        for (let i = 0; i < burst; i++) last = rates.take("caller", "a.b", 0);
        assert.ok(last.kind === "wait");
        assert.equal(rates.take("caller", "a.b", last.retryAfterMs).kind, "pass");
      }),
    );
  });

  it("drop who goes on in spite of refusals, and nobody else", () => {
    const rates = new CallerRates(RATES);
    const kinds = Array.from({ length: 201 }, () => rates.take("caller", "a.b", 0).kind);
    assert.deepEqual(kinds.indexOf("wait"), 20);
    assert.deepEqual(kinds.indexOf("drop"), 200);
    assert.equal(rates.take("caller", "c.d", 0).kind, "pass");
    assert.equal(rates.take("other", "a.b", 0).kind, "pass");
  });

  it("count many capabilities together", () => {
    const rates = new CallerRates(RATES);
    const kinds = Array.from({ length: 2001 }, (_, i) => rates.take("caller", `a.n${i}`, 0).kind);
    assert.equal(kinds.indexOf("wait"), 200);
    assert.equal(kinds.indexOf("drop"), 2000);
  });
});
