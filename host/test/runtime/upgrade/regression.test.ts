import assert from "node:assert/strict";
import { test } from "node:test";
import { isRegression } from "../../../src/runtime/upgrade/regression.ts";

test("a release is worse when it fails more than twice as often and 5 points more, seen over at least 20 calls and 3 faults (§6.4.5)", () => {
  const rows: [before: [number, number], now: [number, number], worse: boolean][] = [
    [[100, 0], [19, 19], false],
    [[100, 0], [20, 2], false],
    [[100, 0], [20, 3], true],
    [[0, 0], [20, 3], true],
    [[100, 0], [60, 3], false],
    [[100, 0], [59, 3], true],
    [[100, 10], [100, 20], false],
    [[100, 10], [100, 21], true],
    [[100, 2], [100, 7], false],
    [[100, 2], [100, 8], true],
    [[100, 60], [100, 100], false],
  ];
  for (const [before, now, worse] of rows) {
    const outcomes = ([calls, faults]: [number, number]): { calls: number; faults: number } => ({ calls, faults });
    assert.equal(isRegression(outcomes(before), outcomes(now)), worse, JSON.stringify([before, now]));
  }
});
