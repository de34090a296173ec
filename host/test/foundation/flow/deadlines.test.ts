import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Deadlines, ManualClock, type Expiring } from "../../../src/foundation/index.ts";
import { holds } from "../../support/property.ts";

describe("Deadlines", () => {
  it("expires each at its time, never one that was forgotten, be it due soon or much later", () => {
    const step = fc.record({
      due: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 800, max: 4000 })),
      forget: fc.boolean(),
      pass: fc.nat({ max: 100 }),
    });
    holds(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new ManualClock();
        const deadlines = new Deadlines(clock);
        const expired: { name: number; at: number; due: number }[] = [];
        const watched = new Map<number, Expiring>();
        const forgotten = new Set<number>();
        for (const [name, { due, forget, pass }] of steps.entries()) {
          const deadline = clock.monotonic() + due;
          const item: Expiring = {
            deadline,
            place: -1,
            expire: () => expired.push({ name, at: clock.monotonic(), due: deadline }),
          };
          deadlines.watch(item);
          watched.set(name, item);
          const earlier = watched.get(name - 2);
          if (forget && earlier !== undefined && earlier.place >= 0) {
            deadlines.forget(earlier);
            forgotten.add(name - 2);
          }
          clock.advance(pass);
        }
        clock.advance(5000);
        assert.deepEqual(
          expired.map(({ name }) => name).toSorted((a, b) => a - b),
          [...watched.keys()].filter((name) => !forgotten.has(name)),
        );
        for (const { at, due } of expired) assert.ok(at >= due && at <= due + 1, `due ${due}, expired ${at}`);
        assert.ok([...watched.values()].every(({ place }) => place === -1));
      }),
    );
  });
});
