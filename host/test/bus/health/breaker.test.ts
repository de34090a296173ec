import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { PeerBreaker } from "../../../src/bus/health/breaker.ts";

const SEED = Number(process.env["HN_SEED"] ?? Date.now() & 0x7fffffff);
const zeros = (n: number): Uint8Array => new Uint8Array(n);
const most = (n: number): Uint8Array => new Uint8Array(n).fill(255);

function shut(random = zeros): PeerBreaker {
  const breaker = new PeerBreaker(random);
  for (let i = 0; i < 3; i++) breaker.silent({ now: 1000, probe: breaker.begin(1000) });
  return breaker;
}

describe("a neighbour that gives no answer (network.md §2.1 dead peers)", () => {
  test("is silent from the first call that waits on, until a word comes or nobody waits any more", () => {
    const breaker = new PeerBreaker(zeros);
    assert.equal(breaker.silentMs(9000), 0, "nobody has asked");
    breaker.begin(1000);
    breaker.begin(3000);
    assert.equal(breaker.silentMs(4000), 3000);
    breaker.heard(4000);
    assert.equal(breaker.silentMs(4500), 500, "the other call still waits");
    breaker.gaveUp();
    assert.equal(breaker.silentMs(9000), 0);
  });
  test("is left alone after three calls in a row, for 4 s ± 50 %", () => {
    const breaker = new PeerBreaker(zeros);
    assert.equal(breaker.silent({ now: 1000, probe: false }), false);
    breaker.answered();
    assert.equal(breaker.silent({ now: 1000, probe: false }), false);
    assert.equal(breaker.silent({ now: 1000, probe: false }), false);
    assert.equal(breaker.isShut(1000), false);
    assert.equal(breaker.silent({ now: 1000, probe: false }), true);
    assert.equal(breaker.isShut(2999), true);
    assert.equal(breaker.isShut(3000), false);
    assert.equal(shut(most).isShut(6999), true);
    assert.equal(shut(most).isShut(7001), false);
  });
  test("then one call decides, and only one", () => {
    const breaker = shut();
    assert.equal(breaker.begin(3000), true);
    assert.equal(breaker.isShut(3000), true);
    assert.equal(breaker.begin(3000), false);
    assert.equal(breaker.silent({ now: 3500, probe: true }), true);
    assert.equal(breaker.isShut(7499), true);
    assert.equal(breaker.begin(7500), true);
    breaker.answered();
    assert.equal(breaker.isShut(7500), false);
    assert.equal(breaker.begin(7500), false, "an ordinary call");
  });
  test("each that decides against it doubles the time up to 60 s ± 50 %; one answer, and it is short again", () => {
    const breaker = shut();
    const rests: number[] = [];
    let now = 3000;
    for (let n = 0; n < 6; n += 1) {
      breaker.silent({ now, probe: breaker.begin(now) });
      const from = now;
      while (breaker.isShut(now)) now += 500;
      rests.push(now - from);
    }
    assert.deepEqual(rests, [4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    assert.equal(breaker.begin(now), true);
    breaker.answered();
    for (let n = 0; n < 3; n += 1) breaker.silent({ now, probe: breaker.begin(now) });
    assert.equal(breaker.isShut(now + 1999), true);
    assert.equal(breaker.isShut(now + 2000), false);
  });
  test("a deciding call without a verdict leaves room for the next", () => {
    const breaker = shut();
    assert.equal(breaker.begin(31_000), true);
    breaker.neutral(true);
    assert.equal(breaker.begin(31_000), true);
  });
  test("its manifest brings the deciding call forward", () => {
    const breaker = shut();
    breaker.seen(2000);
    assert.equal(breaker.isShut(2000), false);
    assert.equal(breaker.begin(2000), true);
  });
  test("a call of its own does so too, once in 4 s: it may not hear us", () => {
    const breaker = shut();
    breaker.spoke(1500);
    assert.equal(breaker.isShut(1500), false);
    breaker.silent({ now: 1600, probe: breaker.begin(1500) });
    breaker.spoke(5499);
    assert.equal(breaker.isShut(5499), true);
    breaker.spoke(5500);
    assert.equal(breaker.isShut(5500), false);
  });
});

test("never more than one deciding call at a time, and an answer always opens (property)", () => {
  const step = fc.record({
    kind: fc.constantFrom("begin", "answered", "silent", "neutral", "seen", "spoke"),
    ms: fc.nat(40_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const breaker = new PeerBreaker(zeros);
      let now = 1000;
      const running: boolean[] = [];
      for (const { kind, ms } of steps) {
        now += ms;
        if (kind === "begin" && !breaker.isShut(now)) running.push(breaker.begin(now));
        else if (kind === "seen") breaker.seen(now);
        else if (kind === "spoke") breaker.spoke(now);
        else if (running.length > 0) {
          const probe = running.shift() === true;
          if (kind === "silent") breaker.silent({ now, probe });
          else if (kind === "neutral") breaker.neutral(probe);
          else breaker.answered();
          if (kind === "answered") assert.equal(breaker.isShut(now), false);
        }
        // An answer to an older call lets all go on, so only those after it count.
        if (kind === "answered") running.fill(false);
        assert.ok(running.filter(Boolean).length <= 1);
      }
    }),
    { seed: SEED },
  );
});
