import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../../../src/foundation/index.ts";
import { EgressMeter } from "../../../src/runtime/net/index.ts";
import { holds } from "../../support/property.ts";

const MINUTE_MS = 60_000;

test("refuses what goes beyond the hour's share, leaves the count as it was, and says when there is room (§7)", () => {
  const clock = new ManualClock();
  const meter = new EgressMeter(clock, 1000);
  clock.advance(5 * MINUTE_MS);
  meter.spend(600);
  clock.advance(10 * MINUTE_MS);
  meter.spend(400);
  assert.throws(
    () => meter.spend(1),
    (error: { code: string; reason: string; retryAfterMs: number }) => {
      assert.deepEqual([error.code, error.reason], ["quota_exceeded", "egress_used_up"]);
      clock.advance(error.retryAfterMs);
      return true;
    },
  );
  assert.deepEqual(meter.figures(), { bytesIn: 0, bytesOut: 1000, bytesOutLastHour: 400, limitBytes: 1000 });
  meter.spend(600);
  meter.received(7);
  assert.deepEqual(meter.figures(), { bytesIn: 7, bytesOut: 1600, bytesOutLastHour: 1000, limitBytes: 1000 });
});

test("nothing leaves where nothing may", () => {
  assert.throws(() => new EgressMeter(new ManualClock(), 0).spend(1), { reason: "egress_used_up" });
});

test("at no time more than the limit within the minutes that count, and never less than a plain list would give", () => {
  const step = fc.record({ waitMs: fc.integer({ min: 0, max: 20 * MINUTE_MS }), bytes: fc.integer({ min: 1, max: 400 }) });
  holds(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new ManualClock();
      const meter = new EgressMeter(clock, 1000);
      const sent: { minute: number; bytes: number }[] = [];
      for (const { waitMs, bytes } of steps) {
        clock.advance(waitMs);
        const minute = Math.floor(clock.monotonic() / MINUTE_MS);
        const used = sent.filter((one) => one.minute > minute - 60).reduce((sum, one) => sum + one.bytes, 0);
        assert.equal(meter.figures().bytesOutLastHour, used);
        if (used + bytes > 1000) assert.throws(() => meter.spend(bytes), { code: "quota_exceeded" });
        else {
          meter.spend(bytes);
          sent.push({ minute, bytes });
        }
      }
    }),
  );
});
