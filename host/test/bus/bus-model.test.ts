import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HnError, type ManualClock } from "../../src/foundation/index.ts";
import type { OpenBus } from "../../src/bus/index.ts";
import type { Reply } from "../../src/contract/index.ts";
import { ask, B, C, D, fakeLink, inbound, makeBus, manifest, member, offer } from "./make.ts";

/**
 * The bus beside a model of what it owes: whatever is offered, called, answered, cancelled, lost or forgotten, in whatever order. After every
 * step the running calls are counted; at the end every call has ended once, nothing is held any more, and no timer is left.
 */
const SEED = Number(process.env["HN_SEED"] ?? Date.now() & 0x7fffffff);
const FAULTS = ["internal_error", "timeout", "partition", "bad_request", "capacity_exceeded", "rate_limited"] as const;
const PLACES = 3;

interface Pending {
  node: string;
  resolve: (reply: Reply) => void;
  reject: (error: unknown) => void;
}
interface Call {
  stop: AbortController;
  ended: number;
}
interface Real {
  bus: OpenBus;
  clock: ManualClock;
  /** What providers work on. */
  pending: Pending[];
  calls: Call[];
  local: { withdraw(): void } | null;
}
interface Model {
  offered: boolean;
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function start(real: Real, promise: Promise<unknown>, stop: AbortController): void {
  const call = { stop, ended: 0 };
  real.calls.push(call);
  const end = (): void => void (call.ended += 1);
  promise.then(end, end);
}

/** Holds after each step, whatever came before. */
function checkAlways({ bus, pending }: Real): void {
  const entries = bus.entries();
  for (const entry of entries) {
    assert.ok(entry.in_flight >= 0 && entry.in_flight <= entry.descriptor.max_concurrent, "places");
    assert.ok(entry.success_rate >= 0 && entry.success_rate <= 1, "rate");
    assert.ok(entry.streams >= 0 && entry.streams <= entry.in_flight, "streams");
    if (entry.is_local || entry.quarantined_until === 0) continue;
    // What rests has nothing that was begun while it did, but for the one probe.
    assert.ok(pending.filter(({ node }) => node === entry.node_id).length <= PLACES);
  }
  assert.ok(bus.inFlight() >= 0);
}

class Step implements fc.AsyncCommand<Model, Real> {
  readonly #name: string;
  readonly #run: (real: Real, model: Model) => void;

  constructor(name: string, run: (real: Real, model: Model) => void) {
    this.#name = name;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    this.#run(real, model);
    await settle();
    checkAlways(real);
  }

  toString(): string {
    return this.#name;
  }
}

const NODES = [B, C, D] as const;
const node = fc.constantFrom(...NODES);
const steps = [
  fc.constant(
    new Step("offer", (real, model) => {
      if (model.offered) return;
      model.offered = true;
      real.local = real.bus.offer(
        offer(
          { max_concurrent: PLACES },
          () => new Promise((resolve, reject) => real.pending.push({ node: "me", resolve, reject })),
        ),
      );
    }),
  ),
  fc.constant(
    new Step("withdraw", (real, model) => {
      real.local?.withdraw();
      real.local = null;
      model.offered = false;
    }),
  ),
  node.map(
    (id) =>
      new Step(`seen ${id.slice(8, 11)}`, ({ bus }) =>
        bus.peerSeen(manifest(id, [{ max_concurrent: PLACES, idempotent: true }])),
      ),
  ),
  node.map((id) => new Step(`gone ${id.slice(8, 11)}`, ({ bus }) => bus.peerGone(id))),
  fc.constant(
    new Step("call", (real) => {
      const stop = new AbortController();
      start(real, real.bus.call(ask({ signal: stop.signal, timeoutMs: 20_000 })), stop);
    }),
  ),
  node.map(
    (id) =>
      new Step(`call ${id.slice(8, 11)}`, (real) => {
        const stop = new AbortController();
        start(real, real.bus.call(ask({ node: id, signal: stop.signal })), stop);
      }),
  ),
  fc.constant(
    new Step("serve", (real) => {
      const stop = new AbortController();
      start(real, real.bus.serve(inbound({ caller: member("member", C), signal: stop.signal })), stop);
    }),
  ),
  fc.nat(20).map(
    (which) =>
      new Step(`answer ${which}`, ({ pending }) => {
        const [one] = pending.splice(which % Math.max(1, pending.length), 1);
        one?.resolve({ output: {}, meta: {} });
      }),
  ),
  fc.tuple(fc.nat(20), fc.constantFrom(...FAULTS)).map(
    ([which, code]) =>
      new Step(`fail ${which} ${code}`, ({ pending }) => {
        const [one] = pending.splice(which % Math.max(1, pending.length), 1);
        one?.reject(new HnError(code));
      }),
  ),
  fc
    .nat(20)
    .map((which) => new Step(`cancel ${which}`, ({ calls }) => calls.at(which % Math.max(1, calls.length))?.stop.abort())),
  fc.constantFrom(1, 100, 1000, 20_000, 61_000).map((ms) => new Step(`wait ${ms}`, ({ clock }) => clock.advance(ms))),
];

test("every call ends once, every place is given back, whatever happens in whatever order (03 §7, §9; property)", async () => {
  let ended = 0;
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 120, size: "large" }), async (commands) => {
      const pending: Pending[] = [];
      const { bus, clock } = makeBus({
        link: () =>
          fakeLink({
            // As the real one: the neighbour's answer, the caller's leaving, or the end of time, whatever comes first.
            call: ({ to, signal, timeoutMs }) =>
              new Promise((resolve, reject) => {
                const one = { node: to, resolve, reject };
                pending.push(one);
                const end = (): void => {
                  // Nobody works on it any more.
                  if (pending.includes(one)) pending.splice(pending.indexOf(one), 1);
                  reject(new HnError("timeout"));
                };
                signal?.addEventListener("abort", end, { once: true });
                clock.setTimeout(end, timeoutMs);
              }),
          }),
      });
      const real: Real = { bus, clock, pending, calls: [], local: null };
      await fc.asyncModelRun(() => ({ model: { offered: false }, real }), commands);
      // Time passes: nobody waits longer than a deadline and the two failovers within it.
      for (let i = 0; i < 8; i++) {
        clock.advance(15_000);
        await settle();
      }
      for (const call of real.calls) assert.equal(call.ended, 1, "a call without an end, or with two");
      assert.equal(bus.inFlight(), 0);
      for (const entry of bus.entries()) assert.deepEqual([entry.in_flight, entry.streams], [0, 0]);
      ended += real.calls.length;
    }),
    { seed: SEED, numRuns: 100 },
  );
  assert.ok(ended > 500, `only ${ended} calls were made`);
});

test("while something rests there is exactly one probe, however many ask (03 B-10; property)", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom("call", "good", "bad", "neutral", "wait"), { maxLength: 60 }), async (acts) => {
      const pending: Pending[] = [];
      const { bus, clock } = makeBus({
        link: () => fakeLink({ call: ({ to }) => new Promise((resolve, reject) => pending.push({ node: to, resolve, reject })) }),
      });
      const seen = (): void => bus.peerSeen(manifest(B, [{ max_concurrent: 1000 }]));
      seen();
      for (let i = 0; i < 5; i++) {
        const call = bus.call(ask());
        await settle();
        pending.pop()?.reject(new HnError("internal_error"));
        await assert.rejects(call);
      }
      let open = false;
      for (const act of acts) {
        if (act === "wait") clock.advance(60_000);
        seen();
        if (act === "call") void bus.call(ask()).catch(() => undefined);
        else if (act === "good") {
          // A good probe opens it for all; from there on nothing is claimed.
          if (pending.length > 0) open = true;
          pending.pop()?.resolve({ output: {}, meta: {} });
        } else pending.pop()?.reject(new HnError(act === "bad" ? "internal_error" : "bad_request"));
        await settle();
        if (open) return;
        assert.ok(pending.length <= 1, `${pending.length} calls at something that rests`);
        assert.equal(bus.inFlight(), pending.length);
      }
    }),
    { seed: SEED, numRuns: 200 },
  );
});
