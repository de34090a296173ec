import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CallRate } from "../../../src/runtime/broker/call-rate.ts";
import { holds } from "../../support/property.ts";

test("counts the calls of the last minute, by the second", () => {
  holds(
    fc.property(fc.array(fc.nat({ max: 40_000 }), { maxLength: 40 }), fc.nat({ max: 90_000 }), (gaps, rest) => {
      const rate = new CallRate();
      const seconds: number[] = [];
      let now = 12_345;
      for (const gap of gaps) {
        now += gap;
        rate.note(now);
        seconds.push(Math.floor(now / 1000));
      }
      now += rest;
      assert.equal(rate.lastMinute(now), seconds.filter((second) => second > Math.floor(now / 1000) - 60).length);
    }),
  );
});
