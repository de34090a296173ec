import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HnError } from "../../src/foundation/index.ts";
import type { CallTrace } from "../../src/contract/index.ts";
import { ask, B, body, C, fakeLink, inbound, later, makeBus, manifest, ME, member, offer, refused, stranger } from "./make.ts";

describe("the order of checks (03 §8)", () => {
  const schema = { type: "object", properties: { input: { type: "object", required: ["text"] } } };
  const full = (): { bus: ReturnType<typeof makeBus>["bus"]; free: () => void } => {
    const { bus } = makeBus();
    const gate = later<void>();
    bus.offer(
      offer({ request_schema: schema, max_concurrent: 1, trust_required: "trusted" }, () =>
        gate.promise.then(() => ({ output: {}, meta: {} })),
      ),
    );
    void bus.call(ask({ body: body({ text: "x" }) }));
    return { bus, free: () => gate.resolve() };
  };

  test("a full provider is told of after trust and schema, never before", async () => {
    const { bus, free } = full();
    const text = body({ text: "x" });
    await assert.rejects(bus.serve(inbound({ body: text, caller: member() })), refused("unauthorized"));
    await assert.rejects(bus.serve(inbound({ caller: member("trusted") })), refused("schema_mismatch"));
    await assert.rejects(
      bus.serve(inbound({ body: text, caller: member("trusted") })),
      refused("capacity_exceeded", "slots_full"),
    );
    await assert.rejects(bus.serve(inbound({ body: text, caller: stranger })), refused("unauthorized"));
    free();
  });
  test("trust comes before the request schema", async () => {
    const { bus } = makeBus();
    bus.offer(offer({ request_schema: schema, trust_required: "trusted" }));
    await assert.rejects(bus.serve(inbound({ caller: member() })), refused("unauthorized"));
    await assert.rejects(bus.serve(inbound({ caller: member("trusted") })), refused("schema_mismatch"));
  });
  test("a schema mismatch says what was expected and where", async () => {
    const { bus } = makeBus();
    bus.offer(offer({ request_schema: schema }));
    await assert.rejects(bus.serve(inbound()), (error) => {
      assert.ok(HnError.isHnError(error));
      assert.equal(error.details.schema_hash_expected, bus.entries()[0]?.schema_hash);
      assert.deepEqual(error.paths, ["/input"]);
      assert.match(error.message, /text/);
      return true;
    });
  });
  test("an answer that breaks its own schema is the provider's fault (03 §11)", async () => {
    const { bus } = makeBus();
    bus.offer(offer({ response_schema: { properties: { output: { required: ["text"] } } } }));
    await assert.rejects(bus.call(ask()), refused("internal_error"));
    assert.equal(bus.entries()[0]?.success_rate, 0);
  });
  test("what a handler throws without a code becomes internal_error and stays inside", async () => {
    const { bus } = makeBus();
    bus.offer(offer({}, () => Promise.reject(new Error("secret detail"))));
    await assert.rejects(
      bus.call(ask()),
      (error) => refused("internal_error")(error) && !(error as Error).message.includes("secret"),
    );
  });
  test("what a handler throws at once is no different", async () => {
    const { bus } = makeBus();
    bus.offer(
      offer({}, () => {
        throw new HnError("not_found", { reason: "backend_unknown" });
      }),
    );
    await assert.rejects(bus.call(ask()), refused("not_found", "backend_unknown"));
    assert.equal(bus.inFlight(), 0);
  });
  test("a call without params or input is malformed", async () => {
    const { bus } = makeBus();
    bus.offer(offer());
    for (const bad of [{}, { params: {} }, { params: [], input: {} }, { params: {}, input: {}, session_id: "a b" }]) {
      await assert.rejects(bus.serve(inbound({ body: bad as never })), refused("bad_request"), JSON.stringify(bad));
    }
  });
});

describe("strangers", () => {
  test("cannot tell what is missing from what is forbidden (03 §8)", async () => {
    const { bus } = makeBus();
    bus.offer(offer());
    for (const capability of ["ext.demo.echo", "ext.demo.nothing"]) {
      await assert.rejects(bus.serve(inbound({ caller: stranger, capability })), refused("unauthorized"));
    }
    await assert.rejects(bus.serve(inbound({ capability: "ext.demo.nothing" })), refused("not_found"));
  });
  test("reach what is open to everybody", async () => {
    const { bus } = makeBus();
    bus.offer(offer({ trust_required: "unknown" }));
    await bus.serve(inbound({ caller: stranger }));
  });
  test("hear why, where anybody may call (03 §8)", async () => {
    const { bus } = makeBus();
    const gate = later<{ output: object; meta: object }>();
    bus.offer(offer({ trust_required: "unknown", max_concurrent: 1, params: { a: 1 } }, () => gate.promise as never));
    await assert.rejects(bus.serve(inbound({ caller: stranger, version: [2, 0] })), refused("not_found"));
    await assert.rejects(bus.serve(inbound({ caller: stranger, body: body({}, { a: 2 }) })), refused("not_found"));
    const running = bus.serve(inbound());
    await assert.rejects(bus.serve(inbound({ caller: stranger })), refused("capacity_exceeded"));
    gate.resolve({ output: {}, meta: {} });
    await running;
  });
});

describe("calls from the network", () => {
  test("reach local entries only; others are named (03 B-7)", async () => {
    const { bus } = makeBus({ link: () => fakeLink({}) });
    bus.peerSeen(manifest(B, [{}]));
    await assert.rejects(bus.serve(inbound({ caller: member("member", C) })), (error) => {
      assert.ok(HnError.isHnError(error));
      assert.deepEqual(error.details.alt_nodes, [B]);
      return error.code === "not_found";
    });
  });
  test("never reach emergency.* (00 §5.1)", async () => {
    const { bus } = makeBus();
    bus.offer(offer({ name: "emergency.state" }));
    await assert.rejects(bus.serve(inbound({ capability: "emergency.state" })), refused("not_found"));
    await bus.call(ask({ capability: "emergency.state" }));
  });
  test("never reach what is for this node alone, nor hear of it, though its like is served to them (§9 dev)", async () => {
    const { bus } = makeBus();
    bus.offer({ ...offer({ version: [2, 0] }), onlyHere: true });
    const call = inbound({ version: [2, 0] });
    await assert.rejects(bus.serve(call), (error) => HnError.isHnError(error) && !/2\.0.*offered/.test(error.message));
    await bus.call(ask({ version: [2, 0] }));
    bus.offer({ ...offer({ params: { model: "a" } }), onlyHere: true });
    bus.offer(offer({ params: { model: "b" } }, () => Promise.resolve({ output: { from: "b" }, meta: {} })));
    for (let n = 0; n < 8; n++) assert.deepEqual((await bus.serve(inbound())).output, { from: "b" });
    await assert.rejects(bus.serve(inbound({ body: body({}, { model: "a" }) })), refused("not_found"));
  });
  test("are limited to 512 at once on a node (03 B-12)", async () => {
    const { bus } = makeBus();
    const gate = later<void>();
    bus.offer(offer({ max_concurrent: 1024 }, () => gate.promise.then(() => ({ output: {}, meta: {} }))));
    const running = Array.from({ length: 512 }, () => bus.serve(inbound()));
    await assert.rejects(bus.serve(inbound()), refused("capacity_exceeded"));
    gate.resolve();
    await Promise.all(running);
    await bus.serve(inbound());
  });
});

describe("versions (03 §2)", () => {
  test("an unknown major names the others", async () => {
    const { bus } = makeBus();
    bus.offer(offer({ version: [2, 0] }));
    await assert.rejects(bus.call(ask()), (error) => {
      assert.ok(HnError.isHnError(error));
      assert.deepEqual(error.details.alt_capabilities, ["ext.demo.echo@2.0"]);
      return error.code === "not_found";
    });
  });
  test("a caller of a dropped major must upgrade", async () => {
    const { bus } = makeBus();
    bus.offer(offer({ version: [2, 0] }));
    await assert.rejects(bus.serve(inbound()), refused("schema_mismatch"));
    await assert.rejects(bus.serve(inbound({ version: [3, 0] })), refused("not_found"));
  });
  test("of one node the highest compatible minor answers (B-3)", async () => {
    const { bus } = makeBus();
    for (const minor of [0, 2, 1]) {
      bus.offer(offer({ version: [1, minor] }, (call) => Promise.resolve({ output: { minor: call.version[1] }, meta: {} })));
    }
    assert.deepEqual((await bus.call(ask())).output, { minor: 2 });
    await assert.rejects(bus.call(ask({ version: [1, 3] })), refused("not_found"));
  });
});

describe("hops (03 §9)", () => {
  test("each call inside a call adds one, the ninth is refused", async () => {
    const { bus } = makeBus();
    let deepest = 0;
    bus.offer(
      offer({ max_concurrent: 64 }, async (call) => {
        deepest = call.hops;
        return bus.call(ask({ hops: call.hops, traceId: call.traceId }));
      }),
    );
    await assert.rejects(bus.call(ask()), refused("bad_request", "hops_exceeded"));
    assert.equal(deepest, 8);
    assert.equal(new Set(bus.recentCalls(20).map((trace) => trace.trace_id)).size, 1, "they share one trace id");
  });
});

describe("health in the registry (03 §7)", () => {
  test("the only local provider is never left out (B-10)", async () => {
    const { bus } = makeBus();
    bus.offer(offer({}, () => Promise.reject(new HnError("internal_error"))));
    for (let i = 0; i < 8; i++) await assert.rejects(bus.call(ask()), refused("internal_error"));
    assert.ok((bus.entries()[0]?.quarantined_until ?? 0) > 0);
  });
  test("a local provider rests while another local one can work", async () => {
    const { bus } = makeBus();
    bus.offer(offer({ params: { backend: "bad" } }, () => Promise.reject(new HnError("internal_error"))));
    for (let i = 0; i < 5; i++) await assert.rejects(bus.call(ask()), refused("internal_error"));
    bus.offer(offer({ params: { backend: "good" } }));
    for (let i = 0; i < 5; i++) await bus.call(ask());
  });
});

describe("trace (03 §10)", () => {
  test("keeps what happened, never what was said", async () => {
    const { bus } = makeBus();
    const heard: CallTrace[] = [];
    bus.onCall((trace) => heard.push(trace));
    bus.offer(offer());
    await bus.serve(inbound({ body: body({ text: "something private" }) }));
    await assert.rejects(bus.serve(inbound({ timeoutMs: 5, capability: "ext.demo.nothing" })));
    const [trace] = bus.recentCalls(10);
    assert.deepEqual(heard, bus.recentCalls(10));
    assert.equal(trace?.from_node, B);
    assert.equal(trace?.to_node, ME);
    assert.equal(trace?.is_local, true);
    assert.equal(trace?.result, "ok");
    assert.ok((trace?.bytes_in ?? 0) > 20);
    assert.equal(JSON.stringify(trace).includes("private"), false);
  });
  test("keeps the newest 10,000, newest first", async () => {
    const { bus } = makeBus();
    bus.offer(offer());
    for (let i = 0; i < 10_050; i++) await bus.call(ask({ traceId: `trace-${i}` }));
    const all = bus.recentCalls(20_000);
    assert.equal(all.length, 10_000);
    assert.equal(all[0]?.trace_id, "trace-10049");
    assert.equal(all.at(-1)?.trace_id, "trace-50");
  });
});
