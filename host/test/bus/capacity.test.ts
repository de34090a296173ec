import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HnError } from "../../src/foundation/index.ts";
import type { Principal } from "../../src/contract/index.ts";
import { ask, C, D, inbound, later, makeBus, member, offer, operator, refused } from "./make.ts";

describe("capacity (03 §9, B-12)", () => {
  test("one caller holds at most three quarters of the places", async () => {
    const { bus } = makeBus();
    const gate = later<void>();
    bus.offer(offer({ max_concurrent: 4 }, () => gate.promise.then(() => ({ output: {}, meta: {} }))));
    const held = [1, 2, 3].map(() => bus.serve(inbound()));
    await assert.rejects(bus.serve(inbound()), (error) => {
      assert.ok(HnError.isHnError(error));
      assert.equal(error.retryAfterMs, 250);
      return error.code === "capacity_exceeded" && error.reason === "slots_full";
    });
    const other = bus.serve(inbound({ caller: member("member", C) }));
    await assert.rejects(bus.serve(inbound({ caller: member("member", D) })), refused("capacity_exceeded"));
    gate.resolve();
    await Promise.all([...held, other]);
    assert.equal(bus.inFlight(), 0);
  });
  test("a single place can be held by one caller", async () => {
    const { bus } = makeBus();
    bus.offer(offer({ max_concurrent: 1 }));
    await bus.serve(inbound());
  });
});

test("calls that outlive their offer still count as running", async () => {
  const { bus } = makeBus();
  const gate = later<void>();
  const registration = bus.offer(offer({}, () => gate.promise.then(() => ({ output: {}, meta: {} }))));
  const call = bus.call(ask());
  registration.withdraw();
  assert.equal(bus.inFlight(), 1);
  gate.resolve();
  await call;
  assert.equal(bus.inFlight(), 0);
});

test("a plugin takes its own share of the places, not its node's (03 B-12)", async () => {
  const { bus } = makeBus();
  const gate = later<void>();
  bus.offer(offer({ max_concurrent: 4 }, () => gate.promise.then(() => ({ output: {}, meta: {} }))));
  const plugin: Principal = { ...operator, kind: "plugin", plugin_id: "acme/demo" };
  const held = [1, 2, 3].map(() => bus.call(ask({ caller: plugin })));
  await assert.rejects(bus.call(ask({ caller: plugin })), refused("capacity_exceeded"));
  const mine = bus.call(ask());
  gate.resolve();
  await Promise.all([...held, mine]);
});
