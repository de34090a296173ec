import assert from "node:assert/strict";
import { test } from "node:test";
import type { DispatchedCall } from "../../../src/contract/index.ts";
import { LateSignal, ManualClock } from "../../../src/foundation/index.ts";
import { Fence } from "../../../src/runtime/upgrade/fence.ts";

const CALL = { stream: false } as DispatchedCall;
const come = { code: "capacity_exceeded", retryAfterMs: 1000 };

test("256 calls wait at the fence, for two seconds; then, and beyond that number, they are told to come again (§6.4.2 c)", async () => {
  const clock = new ManualClock();
  const fence = new Fence({ clock, waitMs: 2000 });
  const arrive = (): Promise<unknown> => fence.guard("ext.dev.say@1.0", CALL, new LateSignal()) as Promise<unknown>;
  let over = 0;
  const waiting = Array.from({ length: 256 }, () => assert.rejects(arrive(), come).finally(() => (over += 1)));
  assert.throws(arrive, come);
  clock.advance(1999);
  await new Promise(setImmediate);
  assert.equal(over, 0);
  clock.advance(1);
  await Promise.all(waiting);
  const again = assert.rejects(arrive(), come);
  fence.lift(undefined);
  await again;
});

test("without a wait nobody waits", () => {
  const fence = new Fence({ clock: new ManualClock(), waitMs: 0 });
  assert.throws(() => fence.guard("ext.dev.say@1.0", CALL, new LateSignal()), come);
});
