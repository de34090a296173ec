import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Reply } from "../../../src/contract/index.ts";
import { ask, B, body, fakeLink, later, makeBus, manifest, ME, offer, refused } from "../make.ts";

const online = { requires_internet: true };

describe("offers that need the internet (03 §4, 35 §5)", () => {
  test("stand aside without it and come back with it, in their order, all in one step", async () => {
    const { bus } = makeBus();
    bus.offer(offer({ name: "ext.demo.a", params: online }));
    bus.offer(offer({ name: "ext.demo.b" }));
    bus.offer(offer({ name: "ext.demo.c", params: { ...online, model: "x" } }));
    const seen: string[] = [];
    const half: number[] = [];
    bus.onChange(({ kind, entry }) => {
      seen.push(`${kind} ${entry.descriptor.name} ${JSON.stringify(entry.descriptor.params)}`);
      half.push(bus.entries().length);
    });
    bus.setInternet(false);
    bus.setInternet(false);
    assert.equal(bus.hasInternet(), false);
    await assert.rejects(bus.call(ask({ capability: "ext.demo.a" })), refused("not_found"));
    await bus.call(ask({ capability: "ext.demo.b" }));
    bus.setInternet(true);
    await bus.call(ask({ capability: "ext.demo.a" }));
    const [a, c] = ['ext.demo.a {"requires_internet":true}', 'ext.demo.c {"requires_internet":true,"model":"x"}'];
    assert.deepEqual(seen, [`removed ${a}`, `removed ${c}`, `added ${a}`, `added ${c}`]);
    assert.deepEqual(half, [1, 1, 3, 3], "nobody sees half of it");
  });

  test("a call under way ends where it began, and counts", async () => {
    const { bus } = makeBus();
    const gate = later<Reply>();
    bus.offer(offer({ params: online }, () => gate.promise));
    const running = bus.call(ask());
    bus.setInternet(false);
    assert.equal(bus.inFlight(), 1);
    bus.setInternet(true);
    assert.equal(bus.inFlight(), 1);
    gate.resolve({ output: {}, meta: {} });
    await running;
    assert.equal(bus.inFlight(), 0);
  });

  test("what is registered, changed or withdrawn meanwhile is so when it is back", async () => {
    const { bus } = makeBus();
    bus.setInternet(false);
    const late = bus.offer(offer({ name: "ext.demo.late", params: online }));
    const gone = bus.offer(offer({ name: "ext.demo.gone", params: online }));
    const local = bus.offer(offer({ name: "ext.demo.local", params: online }));
    assert.equal(bus.entries().length, 0);
    gone.withdraw();
    local.update({ requires_internet: false });
    assert.deepEqual(
      bus.entries().map(({ descriptor }) => descriptor.name),
      ["ext.demo.local"],
    );
    local.update(online);
    assert.equal(bus.entries().length, 0, "and the other way");
    bus.setInternet(true);
    assert.deepEqual(
      bus
        .entries()
        .map(({ descriptor }) => descriptor.name)
        .sort(),
      ["ext.demo.late", "ext.demo.local"],
    );
    late.withdraw();
    assert.equal(bus.entries().length, 1);
  });

  test("another release takes a place that stands aside", async () => {
    const { bus } = makeBus();
    const former = [bus.offer({ ...offer({ params: online }), plugin_id: "demo/one" })];
    bus.setInternet(false);
    bus
      .prepare([
        { ...offer({ params: online }, () => Promise.resolve({ output: { release: 2 }, meta: {} })), plugin_id: "demo/one" },
      ])
      .flip(former);
    assert.throws(() => bus.offer({ ...offer({ params: online }), plugin_id: "demo/two" }), { reason: "namespace_violation" });
    bus.setInternet(true);
    assert.deepEqual((await bus.call(ask())).output, { release: 2 });
  });

  test("a neighbour's offer is the neighbour's to judge (35 N5), and conversations move there", async () => {
    const { bus } = makeBus({ link: () => fakeLink({ call: () => Promise.resolve({ output: {}, meta: {} }) }) });
    bus.offer(offer({ params: online }));
    bus.peerSeen(manifest(B, [{ params: online }]));
    const talk = ask({ body: { ...body(), session_id: "s" } });
    assert.equal((await bus.call(talk)).provider, ME);
    bus.setInternet(false);
    assert.equal((await bus.call(talk)).provider, B);
  });
});
