import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HnError, ManualClock } from "../../../src/foundation/index.ts";
import { CALLS_OUT_PER_MINUTE, CallBudget } from "../../../src/runtime/quota/index.ts";
import { MinuteBudget } from "../../../src/runtime/quota/minute-budget.ts";
import { holds } from "../../support/property.ts";

test("no minute whatever holds more than the limit, and after the time named there is room (§7)", () => {
  holds(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.nat({ max: 30_000 }), { maxLength: 60 }), (limit, gaps) => {
      const budget = new MinuteBudget();
      const taken: number[] = [];
      let now = 5000;
      for (const gap of gaps) {
        now += gap;
        const wait = budget.take(limit, now);
        if (wait === 0) taken.push(now);
        else {
          assert.ok(wait > 0 && wait <= 61_000, `${wait}`);
          assert.equal(budget.wait(limit, now + wait), 0, "there is room after the time named");
          now += wait;
        }
        assert.ok(taken.filter((at) => at > now - 60_000).length <= limit);
      }
    }),
  );
});

function refusal(act: () => void): { code: string; reason: string | undefined; retryAfterMs: number | undefined } | null {
  try {
    act();
    return null;
  } catch (error) {
    const { code, reason, retryAfterMs } = HnError.from(error);
    return { code, reason, retryAfterMs };
  }
}

test("calls in are limited exactly, with the time to wait (§7)", () => {
  const clock = new ManualClock();
  const budget = new CallBudget({ clock, callsPerMinute: 240 });
  for (let n = 0; n < 240; n += 1) budget.takeIn("known");
  const over = refusal(() => budget.takeIn("known"));
  assert.equal(over?.code, "rate_limited");
  clock.advance(over?.retryAfterMs ?? 0);
  assert.equal(
    refusal(() => budget.takeIn("known")),
    null,
  );
});

test("strangers and those who belong here have a share each, and neither can use up the other's (§7)", () => {
  for (const [first, second] of [
    ["strangers", "known"],
    ["known", "strangers"],
  ] as const) {
    const budget = new CallBudget({ clock: new ManualClock(), callsPerMinute: 3 });
    for (let n = 0; n < 3; n += 1) budget.takeIn(first);
    assert.equal(refusal(() => budget.takeIn(first))?.code, "rate_limited");
    for (let n = 0; n < 3; n += 1) budget.takeIn(second);
    assert.equal(refusal(() => budget.takeIn(second))?.code, "rate_limited");
  }
});

test("calls out are limited to 600 a minute (§7)", () => {
  const clock = new ManualClock();
  const budget = new CallBudget({ clock, callsPerMinute: 1 });
  for (let n = 0; n < CALLS_OUT_PER_MINUTE; n += 1) budget.takeOut(undefined);
  const over = refusal(() => budget.takeOut(undefined));
  assert.deepEqual([over?.code, over?.reason], ["quota_exceeded", "calls_per_minute"]);
  assert.ok((over?.retryAfterMs ?? 0) > 0);
});

test("tokens are counted from what answers say, whatever else they say, and end further calls of that minute (§7 tokensPerMin)", () => {
  const clock = new ManualClock();
  const budget = new CallBudget({ clock, callsPerMinute: 1 });
  budget.takeOut(100);
  budget.noteTokens({ tokens_in: 40, tokens_out: 59 }, { tokens_in: 40, tokens_out: 59 });
  assert.equal(
    refusal(() => budget.takeOut(100)),
    null,
    "99 of 100",
  );
  budget.noteTokens({ tokens_out: 10, tokens_in: -5 });
  budget.noteTokens({ tokens_out: "many", tokens_in: Number.NaN });
  const over = refusal(() => budget.takeOut(100));
  assert.deepEqual([over?.code, over?.reason], ["quota_exceeded", "tokens_per_minute"]);
  assert.equal(
    refusal(() => budget.takeOut(undefined)),
    null,
    "another grant has no such limit",
  );
  clock.advance(over?.retryAfterMs ?? 0);
  assert.equal(
    refusal(() => budget.takeOut(100)),
    null,
  );
});
