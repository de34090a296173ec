import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { RecentMap } from "../../../src/foundation/index.ts";
import { holds } from "../../support/property.ts";

describe("RecentMap", () => {
  it("never loses the half of its entries that were used last, and holds no more than its maximum", () => {
    const use = fc.record({ key: fc.nat({ max: 20 }), write: fc.boolean() });
    holds(
      fc.property(fc.array(use, { maxLength: 200 }), fc.integer({ min: 2, max: 12 }), (uses, max) => {
        const map = new RecentMap<number, string>(max);
        const last: number[] = [];
        for (const { key, write } of uses) {
          const kept = map.get(key);
          if (last.slice(-Math.floor(max / 2)).includes(key)) assert.equal(kept, `value ${key}`);
          if (kept === undefined && !write) continue;
          map.set(key, `value ${key}`);
          if (last.includes(key)) last.splice(last.indexOf(key), 1);
          last.push(key);
        }
        const held = Array.from({ length: 21 }, (_, key) => key).filter((key) => map.get(key) !== undefined);
        assert.ok(held.length <= Math.max(2, max) + 1, `${held.length} of ${max}`);
      }),
    );
  });

  it("forgets after two turns what was not used between them, and nothing else", () => {
    const map = new RecentMap<string, number>(100);
    map.set("used", 1);
    map.set("left", 2);
    map.turn();
    assert.equal(map.get("used"), 1);
    map.turn();
    assert.deepEqual([map.get("used"), map.get("left")], [1, undefined]);
  });
});
