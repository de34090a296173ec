import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JsonObject } from "../../src/contract/index.ts";
import { ask, later, makeBus, offer, refused, tick } from "./make.ts";

describe("deadlines and cancelling (03 §9, 02 §10)", () => {
  test("the shorter of caller's and descriptor's time ends the call", async () => {
    for (const [timeoutMs, seconds, end] of [
      [500, 30, 500],
      [90_000, 2, 2000],
      [undefined, 2, 2000],
    ] as const) {
      const { bus, clock } = makeBus();
      bus.offer(offer({ timeout_seconds: seconds }, () => new Promise(() => {})));
      const call = bus.call(ask(timeoutMs === undefined ? {} : { timeoutMs }));
      let over = false;
      void call.catch(() => (over = true));
      await tick();
      clock.advance(end - 1);
      await tick();
      assert.equal(over, false);
      clock.advance(1);
      await assert.rejects(call, refused("timeout"));
    }
  });

  test("a handler that yields frees its slot at once, one that does not after 200 ms (02 T-19)", async () => {
    const detached: unknown[] = [];
    const { bus, clock } = makeBus({ onDetached: (o) => detached.push(o) });
    const signals: AbortSignal[] = [];
    bus.offer({
      ...offer({}, (_call, { signal }) => {
        signals.push(signal);
        return new Promise(() => {});
      }),
      plugin_id: "acme/stubborn",
    });
    const stop = new AbortController();
    const call = bus.call(ask({ signal: stop.signal }));
    await tick();
    stop.abort();
    await assert.rejects(call, refused("timeout"));
    assert.equal(signals[0]?.aborted, true);
    assert.equal(bus.inFlight(), 1);
    clock.advance(199);
    assert.equal(bus.inFlight(), 1);
    clock.advance(1);
    assert.equal(bus.inFlight(), 0);
    assert.deepEqual(detached, [{ plugin_id: "acme/stubborn", capability: "ext.demo.echo" }]);
    assert.equal(bus.recentCalls(1)[0]?.result, "cancelled");
    assert.equal(bus.entries()[0]?.success_rate, 1, "a caller who leaves says nothing about the provider");
  });

  test("a late answer is thrown away and frees the slot", async () => {
    const { bus, clock } = makeBus();
    const gate = later<{ output: JsonObject; meta: JsonObject }>();
    bus.offer(offer({ timeout_seconds: 1 }, () => gate.promise));
    const call = bus.call(ask());
    await tick();
    clock.advance(1000);
    await assert.rejects(call, refused("timeout"));
    gate.resolve({ output: {}, meta: {} });
    await tick();
    assert.equal(bus.inFlight(), 0);
    assert.equal(bus.recentCalls(5).length, 1);
  });

  test("a call that was cancelled before it began takes no place", async () => {
    const { bus } = makeBus();
    bus.offer(offer());
    await assert.rejects(bus.call(ask({ signal: AbortSignal.abort() })), refused("timeout"));
    assert.equal(bus.inFlight(), 0);
  });

  test("thousands of calls in flight each end at their own time", async () => {
    const { bus, clock } = makeBus();
    bus.offer(offer({ max_concurrent: 1024, timeout_seconds: 3600 }, () => new Promise(() => {})));
    const ended: number[] = [];
    const times = Array.from({ length: 700 }, (_, i) => ((i * 7919) % 700) + 1);
    for (const timeoutMs of times) void bus.call(ask({ timeoutMs })).catch(() => ended.push(timeoutMs));
    await tick();
    for (let i = 0; i < 7; i++) {
      clock.advance(100);
      await tick();
    }
    assert.equal(ended.length, 700);
    assert.deepEqual(
      ended,
      ended.toSorted((a, b) => a - b),
    );
  });
});
