import assert from "node:assert/strict";
import { test } from "node:test";
import type { Handler, Offer, Registration } from "../../src/contract/index.ts";
import { ask, makeBus, offer } from "./make.ts";

const RATE = 500;
const CALLS = 10_000;

test("a provider is exchanged again and again at 500 calls/s: none of 10,000 fails, and each sees one release (network.md §7 scenario 11)", async () => {
  const { bus, clock } = makeBus();
  /** Works for 35 ms, so that several calls are under way at each exchange. */
  const release =
    (n: number): Handler =>
    () =>
      new Promise((resolve) => clock.setTimeout(() => resolve({ output: { release: n }, meta: {} }), 35));
  const offers = (n: number): Offer[] => [
    // Every second release changes its words, so that the entry is put anew and not only its handler.
    { ...offer({ max_concurrent: 64, timeout_seconds: 30 + (n % 2) }, release(n)), plugin_id: "demo/one" },
  ];
  let registrations: Registration[] = [bus.offer(offers(0)[0] as Offer)];
  const answers: { sent: number; release: number }[] = [];
  const failed: unknown[] = [];
  let n = 0;
  for (let i = 0; i < CALLS; i++) {
    const sent = n;
    bus.call(ask()).then(
      ({ output }) => answers.push({ sent, release: Number(output["release"]) }),
      (error: unknown) => failed.push(error),
    );
    if (i % 250 === 249) registrations = bus.prepare(offers(++n)).flip(registrations);
    clock.advance(1000 / RATE);
    await Promise.resolve();
  }
  clock.advance(100);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(failed, []);
  assert.equal(answers.length, CALLS);
  assert.deepEqual(
    answers.filter((one) => one.sent !== one.release),
    [],
    "a call ends where it began",
  );
  assert.equal(n, CALLS / 250);
  assert.equal(bus.inFlight(), 0);
});
