import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ControlRate, costOf, ReceiveCredit, SendCredit } from "../../../src/transport/session/credit.ts";
import { refused } from "../../identity/people.ts";
import { holds } from "../../support/property.ts";

const windows = { session: 4096, stream: 1024 };

describe("credit of a peer session (network.md §1.5)", () => {
  it("small records cost 256 bytes, larger ones their length", () => {
    assert.deepEqual([costOf(0), costOf(256), costOf(257)], [256, 256, 257]);
  });

  it("keeps two honest sides in step: it is never negative, never beyond the window, and nothing is lost", () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 900 }), fc.nat(3)), {
      maxLength: 120,
    });
    holds(
      fc.property(steps, (moves) => {
        const [send, receive] = [new SendCredit(windows), new ReceiveCredit(windows)];
        const waiting: { id: number; cost: number }[] = [];
        const give = (grants: { id: number; bytes: number }[]): void => grants.forEach(({ id, bytes }) => send.grant(id, bytes));
        for (const [id, size, act] of moves) {
          const cost = costOf(size);
          if (act === 0) {
            for (let i = waiting.length - 1; i >= 0; i--) if (waiting[i]?.id === id) waiting.splice(i, 1);
            send.close(id);
            give(receive.close(id));
          } else if (send.fits(id, cost)) {
            send.spend(id, cost);
            receive.received(id, cost);
            waiting.push({ id, cost });
          } else {
            const next = waiting.shift();
            if (next !== undefined) give(receive.consumed(next.id, next.cost));
          }
        }
        for (const { id, cost } of waiting) give(receive.consumed(id, cost));
        assert.equal(receive.held, 0);
        // Less than half a window may be in nobody's hands, so the other half is always there.
        assert.ok(send.fits(99, windows.stream / 2));
      }),
    );
  });

  it("more than was granted is 4409, for a stream and for the session", () => {
    const stream = new ReceiveCredit(windows);
    stream.received(1, 1024);
    assert.throws(() => stream.received(1, 256), refused("rate_limited", "credit_overdrawn"));
    const session = new ReceiveCredit(windows);
    for (const id of [1, 3, 5, 7]) session.received(id, 1024);
    assert.throws(() => session.received(9, 256), refused("rate_limited", "credit_overdrawn"));
  });

  it("is given back when half was taken by the handler, not when it arrived", () => {
    const receive = new ReceiveCredit(windows);
    receive.received(1, 256);
    receive.received(1, 256);
    assert.deepEqual(receive.consumed(1, 256), []);
    assert.deepEqual(receive.consumed(1, 256), [{ id: 1, bytes: 512 }]);
  });

  it("given back for what was never sent is 4400", () => {
    const send = new SendCredit(windows);
    assert.throws(() => send.grant(0, 1), refused("bad_request", "frame_malformed"));
    send.spend(1, 300);
    send.grant(7, 5000);
    assert.throws(() => send.grant(1, 301), refused("bad_request", "frame_malformed"));
  });

  it("control beyond 64 KiB a second is 4429", () => {
    const rate = new ControlRate(0);
    for (let i = 0; i < 128; i++) rate.take(1024, 0);
    assert.throws(() => rate.take(1, 0), refused("rate_limited", "soft_limit"));
    const paced = new ControlRate(0);
    for (let i = 0; i < 1000; i++) paced.take(640, i * 10);
  });
});
