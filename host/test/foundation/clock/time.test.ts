import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatTime, HnError, isTime, parseTime } from "../../../src/foundation/index.ts";
import { holds } from "../../support/property.ts";

describe("time on the wire (00 §3)", () => {
  it("is RFC 3339 in whole seconds, UTC", () => {
    assert.equal(formatTime(Date.UTC(2026, 6, 1, 12, 0, 0, 999)), "2026-07-01T12:00:00Z");
    assert.equal(parseTime("2026-07-01T12:00:00Z"), Date.UTC(2026, 6, 1, 12));
  });

  it("refuses every other spelling and dates that do not exist", () => {
    const wrong = [
      "2026-07-01T12:00:00.000Z",
      "2026-07-01T12:00:00+00:00",
      "2026-07-01 12:00:00Z",
      "2026-07-01t12:00:00z",
      "2026-02-30T00:00:00Z",
    ];
    for (const text of [
      ...wrong,
      "2026-07-01T24:00:00Z",
      "2026-07-01T12:00:60Z",
      "2026-13-01T00:00:00Z",
      "2026-07-01T12:00:00Z\n",
      "",
      0,
      null,
    ]) {
      assert.equal(isTime(text), false, String(text));
      assert.throws(
        () => parseTime(text),
        (error) => HnError.isHnError(error) && error.code === "bad_request",
      );
    }
  });

  it("survives writing and reading (property)", () => {
    holds(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
        assert.equal(parseTime(formatTime(seconds * 1000)), seconds * 1000);
      }),
    );
  });
});
