import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createUlidFactory, isRequestId, isUlid, ManualClock } from "../../../src/foundation/index.ts";
import { holds } from "../../support/property.ts";

const zeros = (n: number): Uint8Array => new Uint8Array(n);
const ones = (n: number): Uint8Array => new Uint8Array(n).fill(255);

describe("ULID (00 §3, G-5)", () => {
  it("spells milliseconds in Crockford base 32", () => {
    const ulid = createUlidFactory(new ManualClock(1_469_918_176_385), zeros)();
    assert.equal(ulid, `01ARYZ6S41${"0".repeat(16)}`);
    assert.ok(isUlid(ulid));
  });

  it("rises strictly: within a millisecond, on overflow and when the clock steps back (property)", () => {
    holds(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 60 }), fc.boolean(), (steps, full) => {
        const clock = new ManualClock();
        const next = createUlidFactory(clock, full ? ones : zeros);
        let last = next();
        for (const step of steps) {
          clock.setNow(clock.now() + step);
          const ulid = next();
          assert.ok(ulid > last, `${ulid} after ${last}`);
          assert.equal(ulid.length, 26);
          last = ulid;
        }
      }),
    );
  });

  it("takes a clock with fractions of a millisecond", () => {
    assert.ok(isUlid(createUlidFactory({ now: () => 1.5 }, zeros)()));
  });

  it("accepts foreign ids as opaque text, request ids in their own grammar", () => {
    assert.ok(isUlid("AAAAAAAAAAAAAAAAAAAAAAAAIL"));
    for (const id of ["01j9z3k8v4q2n7m5c6b1a0xwyt", "01J9Z3K8V4Q2N7M5C6B1A0XWY", "01J9Z3K8V4Q2N7M5C6B1A0XWYT\n", 1])
      assert.equal(isUlid(id), false);
    for (const id of ["0123abcd", "a".repeat(64), "A-b_c-d_"]) assert.ok(isRequestId(id));
    for (const id of ["short", "a".repeat(65), "with space", "12345678\n", null]) assert.equal(isRequestId(id), false);
  });
});
