import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HnError } from "../../src/foundation/index.ts";
import type {
  BusChange,
  CallTrace,
  Frame,
  InboundRequest,
  JsonObject,
  OriginateRequest,
  Principal,
} from "../../src/contract/index.ts";
import { B, body, C, D, fakeLink, later, makeBus, manifest, ME, member, offer, operator, stranger, tick } from "./make.ts";

function ask(change: Partial<OriginateRequest> = {}): OriginateRequest {
  return { capability: "ext.demo.echo", version: [1, 0], body: body(), caller: operator, ...change };
}
function inbound(change: Partial<InboundRequest> = {}): InboundRequest {
  return {
    capability: "ext.demo.echo",
    version: [1, 0],
    body: body(),
    caller: member(),
    requestId: "01J9Z3K8V4Q2N7M5C6B1A0XWYT",
    traceId: "01J9Z3K8V4Q2N7M5C6B1A0XWYT",
    stream: false,
    signal: new AbortController().signal,
    ...change,
  };
}
function refused(code: string, reason?: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(HnError.isHnError(error), String(error));
    assert.equal(error.code, code);
    if (reason !== undefined) assert.equal(error.reason, reason);
    return true;
  };
}
async function drain(frames: AsyncGenerator<Frame, JsonObject, void>): Promise<{ frames: Frame[]; done: JsonObject }> {
  const seen: Frame[] = [];
  for (;;) {
    const step = await frames.next();
    if (step.done === true) return { frames: seen, done: step.value };
    seen.push(step.value);
  }
}

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

  test("a full provider is found before trust is asked", async () => {
    const { bus, free } = full();
    await assert.rejects(
      bus.serve(inbound({ body: body({ text: "x" }), caller: member("trusted") })),
      refused("capacity_exceeded"),
    );
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

describe("streams", () => {
  const counting = async function* (): AsyncGenerator<Frame, JsonObject, void> {
    await tick();
    yield { event: "token", data: { text: "a" } };
    yield { event: "token", data: { text: "b" } };
    return { tokens_out: 2 };
  };
  const streaming = { response_schema: null, stream_schema: { type: "object", required: ["event", "data"] } };

  test("frames arrive in order, the summary last", async () => {
    const { bus } = makeBus();
    bus.offer(offer(streaming, counting));
    const { frames, done } = await drain(bus.stream(ask()));
    assert.deepEqual(
      frames.map((frame) => frame.data["text"]),
      ["a", "b"],
    );
    assert.deepEqual(done, { tokens_out: 2 });
    assert.equal(bus.inFlight(), 0);
    assert.equal(bus.recentCalls(1)[0]?.result, "ok");
  });
  test("asked for one answer the frames are collected", async () => {
    const { bus } = makeBus();
    bus.offer(offer(streaming, counting));
    const { output } = await bus.call(ask());
    assert.equal(output["tokens_out"], 2);
    assert.equal((output["frames"] as unknown[]).length, 2);
  });
  test("a capability that answers at once can be read as a stream", async () => {
    const { bus } = makeBus();
    bus.offer(offer());
    assert.deepEqual(await drain(bus.stream(ask({ body: body({ a: 1 }) }))), { frames: [], done: { a: 1 } });
  });
  test("a frame that breaks the stream's schema ends it (03 §11)", async () => {
    const { bus } = makeBus();
    bus.offer(offer({ ...streaming, stream_schema: { properties: { event: { enum: ["token"] } } } }, counting));
    await assert.rejects(drain(bus.stream(ask())), refused("internal_error"));
  });
  test("a reader that leaves stops the handler and frees its slot", async () => {
    const { bus } = makeBus();
    let closed = false;
    bus.offer(
      offer(streaming, async function* () {
        try {
          for (;;) {
            await tick();
            yield { event: "token", data: {} };
          }
        } finally {
          closed = true;
        }
      }),
    );
    const frames = bus.stream(ask());
    await frames.next();
    await frames.return({});
    await tick();
    assert.equal(closed, true);
    assert.equal(bus.inFlight(), 0);
    assert.equal(bus.recentCalls(1)[0]?.result, "cancelled");
  });
  test("the caller's patience counts until the first frame, then the total time (03 §9)", async () => {
    const { bus, clock } = makeBus();
    const gates = [later<void>(), later<void>()];
    bus.offer(
      offer({ ...streaming, timeout_seconds: 10 }, async function* () {
        await gates[0]?.promise;
        yield { event: "token", data: {} };
        await gates[1]?.promise;
        return {};
      }),
    );
    const frames = bus.stream(ask({ timeoutMs: 1000 }));
    const first = frames.next();
    await tick();
    gates[0]?.resolve();
    await first;
    const second = frames.next();
    await tick();
    clock.advance(9999);
    await tick();
    clock.advance(1);
    await assert.rejects(second, refused("timeout"));
  });
  test("nothing in time is a timeout", async () => {
    const { bus, clock } = makeBus();
    bus.offer(
      offer(streaming, async function* () {
        await new Promise(() => {});
        yield { event: "token", data: {} };
        return {};
      }),
    );
    const first = bus.stream(ask({ timeoutMs: 1000 })).next();
    await tick();
    clock.advance(1000);
    await assert.rejects(first, refused("timeout"));
    clock.advance(200);
    assert.equal(bus.inFlight(), 0);
  });
});

describe("bytes (plugin-platform §4)", () => {
  const picture = { request_schema: { properties: { input: { properties: { image_b64: { type: "string", minLength: 4 } } } } } };
  const seen: unknown[] = [];
  const withBytes = (): ReturnType<typeof makeBus>["bus"] => {
    const { bus } = makeBus();
    bus.offer({
      ...offer(picture, (call) => {
        seen.push(call.body.input["image_b64"]);
        return Promise.resolve({ output: { out_b64: new Uint8Array([1, 2, 3]) as never }, meta: {} });
      }),
      binary: ["/input/image_b64", "/output/out_b64"],
    });
    return bus;
  };
  test("text from the wire reaches the handler as bytes, bytes stay bytes", async () => {
    const bus = withBytes();
    const fromWire = await bus.serve(inbound({ body: body({ image_b64: "AQID" }) }));
    await bus.call(ask({ body: body({ image_b64: new Uint8Array([1, 2, 3]) as never }) }));
    assert.deepEqual(seen.splice(0), [new Uint8Array([1, 2, 3]), new Uint8Array([1, 2, 3])]);
    assert.ok(fromWire.output["out_b64"] instanceof Uint8Array);
  });
  test("what is no strict base64url is refused with its place (00 G-4)", async () => {
    const bus = withBytes();
    for (const text of ["AQI=", "AQJ", "AQ==", "A+/D", "AQID\n"]) {
      await assert.rejects(bus.serve(inbound({ body: body({ image_b64: text }) })), (error) => {
        assert.ok(HnError.isHnError(error));
        return (error.code === "bad_request" && error.message.includes("/input/image_b64")) || error.code === "schema_mismatch";
      });
    }
    assert.equal(seen.length, 0);
  });
  test("the caller's own object is not changed", async () => {
    const request = body({ image_b64: "AQID" });
    await withBytes().serve(inbound({ body: request }));
    assert.equal(request.input["image_b64"], "AQID");
    seen.length = 0;
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
