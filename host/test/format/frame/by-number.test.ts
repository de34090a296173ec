import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByNumber } from "../../../src/format/index.ts";
import { holds } from "../../support/property.ts";

/** Opens the next number, or one at all; ends one that is open, or one that is not; ends all. */
const step = fc.oneof(
  { weight: 160, arbitrary: fc.constant<[string, number]>(["next", 0]) },
  { weight: 40, arbitrary: fc.tuple(fc.constant("any"), fc.integer({ min: 0, max: 400 })) },
  { weight: 140, arbitrary: fc.tuple(fc.constant("end"), fc.nat()) },
  { weight: 20, arbitrary: fc.tuple(fc.constant("end any"), fc.integer({ min: 0, max: 4000 })) },
  { weight: 1, arbitrary: fc.constant<[string, number]>(["clear", 0]) },
);

test("what is open under numbers is what a Map would say, whatever was opened and ended before", () =>
  holds(
    fc.property(fc.array(step, { maxLength: 600, size: "max" }), (steps) => {
      const [ours, theirs] = [new ByNumber<object>(), new Map<number, object>()];
      let next = 2;
      for (const [what, chance] of steps) {
        const open = [...theirs.keys()];
        const number = what === "next" ? (next += 2) : what === "end" ? (open[chance % (open.length || 1)] ?? 0) : chance;
        if (what === "clear") {
          ours.clear();
          theirs.clear();
        } else if (what.startsWith("end")) assert.equal(ours.delete(number), theirs.delete(number));
        else {
          const value = {};
          ours.set(number, value);
          theirs.set(number, value);
        }
        assert.equal(ours.get(number), theirs.get(number));
      }
      assert.equal(ours.size, theirs.size);
      assert.deepEqual(new Map(ours.entries()), theirs);
      for (let number = 0; number < 600; number += 1) assert.equal(ours.get(number), theirs.get(number));
    }),
  ));

test("numbers that fall on one place, across the table's end, are found after any of them has ended", () => {
  // 64 places: these have their homes at 62, 62, 63, 63 and 0.
  const numbers = [124, 252, 126, 254, 128];
  for (const gone of numbers) {
    const open = new ByNumber<number>();
    for (const number of numbers) open.set(number, number);
    assert.ok(open.delete(gone));
    for (const number of numbers) assert.equal(open.get(number), number === gone ? undefined : number);
  }
});

test("all can be ended while they are looked at", () => {
  const open = new ByNumber<string>();
  for (let number = 1; number < 200; number += 2) open.set(number, String(number));
  for (const [number] of open.entries()) open.delete(number);
  assert.deepEqual([open.size, open.values()], [0, []]);
});
