import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BusChange } from "../../src/contract/index.ts";
import { ask, body, makeBus, ME, offer, refused } from "./make.ts";

describe("offers", () => {
  test("an offer is found, called and withdrawn", async () => {
    const { bus } = makeBus();
    const registration = bus.offer(offer());
    const reply = await bus.call(ask({ body: body({ a: 1 }) }));
    assert.deepEqual(reply, { output: { a: 1 }, meta: { ms: 0 }, provider: ME });
    registration.withdraw();
    await assert.rejects(bus.call(ask()), refused("not_found"));
  });

  const names: [string, string | undefined, boolean][] = [
    ["ocr.image", "hearthnet/ocr", true],
    ["ext.acme.weather", "acme/weather", true],
    ["community.invite", undefined, true],
    ["community.invite", "acme/weather", false],
    ["auth.token.issue", "acme/weather", false],
    ["sys.metrics", undefined, false],
    ["relay.http.register", "acme/weather", false],
    ["weather.now", "acme/weather", false],
    ["Ext.demo", undefined, false],
    ["ext", undefined, false],
    [`ext.${"a".repeat(64)}`, undefined, false],
  ];
  for (const [name, plugin_id, ok] of names) {
    test(`${ok ? "accepts" : "refuses"} the name ${name.slice(0, 30)} by ${plugin_id ?? "the host"} (00 §5.1, 02 T-4)`, () => {
      const { bus } = makeBus();
      const make = (): unknown => bus.offer({ ...offer({ name }), ...(plugin_id === undefined ? {} : { plugin_id }) });
      if (ok) make();
      else assert.throws(make, refused("bad_request", "namespace_violation"));
    });
  }

  const wrong: [string, Parameters<typeof offer>[0]][] = [
    ["no place at all", { max_concurrent: 0 }],
    ["too many places", { max_concurrent: 1025 }],
    ["no time", { timeout_seconds: 0 }],
    ["neither answer nor stream", { response_schema: null, stream_schema: null }],
    ["params beyond 8 KiB", { params: { x: "x".repeat(8200) } }],
    ["an unknown trust level", { trust_required: "root" as never }],
  ];
  for (const [name, change] of wrong) {
    test(`refuses a descriptor with ${name} (03 §1)`, () => {
      assert.throws(() => makeBus().bus.offer(offer(change)), refused("bad_request", "schema_invalid"));
    });
  }

  test("offering the same again announces nothing, and the newest handler answers (03 §1)", async () => {
    const { bus } = makeBus();
    const changes: string[] = [];
    bus.onChange((change: BusChange) => changes.push(change.kind));
    const first = bus.offer(offer());
    bus.offer(offer({}, () => Promise.resolve({ output: { second: true }, meta: {} })));
    assert.deepEqual(changes, ["added"]);
    assert.deepEqual((await bus.call(ask())).output, { second: true });
    first.withdraw();
    assert.deepEqual((await bus.call(ask())).output, { second: true }, "a former registration has no power over its successor");
  });

  test("a plugin cannot take the place of another one's offer", () => {
    const { bus } = makeBus();
    bus.offer({ ...offer(), plugin_id: "acme/one" });
    assert.throws(() => bus.offer({ ...offer(), plugin_id: "acme/two" }), refused("bad_request", "namespace_violation"));
  });

  test("changed params replace the entry in one step (03 §1)", async () => {
    const { bus } = makeBus();
    const kinds: string[] = [];
    const registration = bus.offer(offer({ params: { model: "a" } }));
    bus.onChange(({ kind }) => kinds.push(kind));
    registration.update({ model: "b" });
    assert.deepEqual(kinds, ["updated"]);
    assert.equal(bus.entries().length, 1);
    await bus.call(ask({ body: body({}, { model: "b" }) }));
    await assert.rejects(bus.call(ask({ body: body({}, { model: "a" }) })), refused("not_found"));
  });

  test("experimental capabilities are routed only under a research policy (03 B-5)", async () => {
    const closed = makeBus().bus;
    closed.offer(offer({ name: "experimental.demo" }));
    await assert.rejects(closed.call(ask({ capability: "experimental.demo" })), refused("not_found"));
    const open = makeBus({ research: () => true }).bus;
    open.offer(offer({ name: "experimental.demo" }));
    await open.call(ask({ capability: "experimental.demo" }));
  });
});
