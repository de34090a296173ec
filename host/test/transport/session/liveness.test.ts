import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock } from "../../../src/contract/index.ts";
import { ManualClock } from "../../../src/foundation/index.ts";
import { Liveness } from "../../../src/transport/session/liveness.ts";

/** A clock on a machine that was stopped for a while: timers fire late, all at once. */
class StoppedClock implements Clock {
  #now = 0;
  #timers: { at: number; fn: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimeout(fn: () => void, delayMs: number): { cancel: () => void } {
    const timer = { at: this.#now + delayMs, fn };
    this.#timers.push(timer);
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  /** Nothing runs for so long; then everything that is due. */
  stand(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers.filter(({ at }) => at <= this.#now)) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      timer.fn();
    }
  }
}

function watch(
  clock: Clock,
  o: { relayed?: boolean; calls?: number } = {},
): { life: Liveness; said: string[]; bytes: { read: number } } {
  const said: string[] = [];
  const bytes = { read: 0 };
  const at = (what: string) => (): void => void said.push(`${what} ${clock.monotonic()}`);
  const life = new Liveness({
    clock,
    bytesRead: () => bytes.read,
    isRelayed: o.relayed ?? false,
    openCalls: () => o.calls ?? 0,
    onPing: at("ping"),
    onDead: at("dead"),
  });
  return { life, said, bytes };
}

describe("whether a peer lives (network.md §1.5)", () => {
  it("asks after 15 s of silence, suspects at 30 s, gives up at 45 s", () => {
    const clock = new ManualClock();
    const from = clock.monotonic();
    const { life, said } = watch(clock);
    clock.advance(29_999);
    assert.deepEqual([said, life.isSuspect], [[`ping ${from + 15_000}`], false]);
    clock.advance(1);
    assert.equal(life.isSuspect, true);
    clock.advance(15_000);
    assert.deepEqual(said, [`ping ${from + 15_000}`, `dead ${from + 45_000}`]);
  });

  it("any byte counts, also of a frame that is not complete (scenario 9)", () => {
    const clock = new ManualClock();
    const { life, said, bytes } = watch(clock);
    for (let second = 0; second < 3600; second++) {
      bytes.read += 1;
      clock.advance(1000);
    }
    assert.deepEqual([said, life.isSuspect], [[], false]);
  });

  it("an answer ends the suspicion", () => {
    const clock = new ManualClock();
    const { life, said } = watch(clock);
    clock.advance(31_000);
    assert.equal(life.isSuspect, true);
    life.heard();
    assert.equal(life.isSuspect, false);
    clock.advance(44_000);
    assert.equal(said.filter((line) => line.startsWith("dead")).length, 0);
  });

  it("scenario 10: our own standing still for 30 s or a minute declares nobody dead", () => {
    for (const stall of [30_000, 60_000, 600_000]) {
      const clock = new StoppedClock();
      const { said } = watch(clock);
      clock.stand(stall);
      assert.equal(
        said.some((line) => line.startsWith("dead")),
        false,
        `${stall} ms`,
      );
      clock.stand(45_000);
      assert.equal(
        said.some((line) => line.startsWith("dead")),
        false,
        "stood still again",
      );
    }
  });

  it("the other side standing still for 30 s is not dead either", () => {
    const clock = new ManualClock();
    const { life, said } = watch(clock);
    clock.advance(44_000);
    life.heard();
    clock.advance(1000);
    assert.equal(
      said.some((line) => line.startsWith("dead")),
      false,
    );
  });

  it("is asked after 1 s and suspected at 2 s with calls over a relay", () => {
    const clock = new ManualClock();
    const from = clock.monotonic();
    const { life, said } = watch(clock, { relayed: true, calls: 1 });
    clock.advance(1999);
    assert.deepEqual([said, life.isSuspect], [[`ping ${from + 1000}`], false]);
    clock.advance(1);
    assert.equal(life.isSuspect, true);
  });
});
