import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EndedCall, OutboundCall } from "../../../src/contract/index.ts";
import { ask, B, C, D, fakeLink, inbound, makeBus, manifest, ME, member, offer, refused } from "../make.ts";

const PARENT = "00f067aa0ba902b7";

describe("the trace (03 §10)", () => {
  test("a call made for another names it as its parent, across nodes by its span", async () => {
    const sent: OutboundCall[] = [];
    const { bus } = makeBus({
      link: () =>
        fakeLink({
          call: (call) => {
            sent.push(call);
            return Promise.resolve({ output: {}, meta: {} });
          },
        }),
    });
    bus.peerSeen(manifest(C, [{ name: "ext.demo.far" }]));
    bus.offer(
      offer({}, async ({ traceId, hops, span }) => {
        await bus.call(ask({ capability: "ext.demo.far", traceId, hops, parent: span as number }));
        return { output: {}, meta: {} };
      }),
    );
    await bus.serve(inbound({ parentSpanId: PARENT }));
    const [outer, inner] = bus.recentCalls(2);
    assert.equal(outer?.parent_id, PARENT);
    assert.equal(inner?.parent_id, outer?.span_id);
    assert.equal(inner?.trace_id, outer?.trace_id);
    assert.match(outer?.span_id ?? "", /^[0-9a-f]{16}$/);
    assert.notEqual(inner?.span_id, outer?.span_id);
    assert.equal(sent[0]?.spanId, inner?.span_id, "what the neighbour will name as its parent");
  });

  test("each attempt of one call is a span of its own under the same parent", async () => {
    const { bus } = makeBus({
      link: () =>
        fakeLink({ call: ({ to }) => (to === B ? Promise.reject(new Error("x")) : Promise.resolve({ output: {}, meta: {} })) }),
    });
    for (const node of [B, C]) bus.peerSeen(manifest(node, [{ idempotent: true }]));
    await bus.call(ask({ parent: 7 }));
    const [second, first] = bus.recentCalls(9);
    assert.equal(first?.result, "internal_error");
    assert.deepEqual([first.parent_id, second?.parent_id], [bus.spanId(7), bus.spanId(7)]);
    assert.notEqual(first.span_id, second?.span_id);
  });

  test("is searched by capability, node, result and trace, and read on from a number", async () => {
    const { bus } = makeBus();
    bus.offer(offer({ name: "ocr.image" }));
    bus.offer(offer({ name: "ocr.pdf", trust_required: "trusted" }));
    bus.offer(offer({ name: "ext.ocr.image" }, () => Promise.reject(new Error("x"))));
    await bus.serve(inbound({ capability: "ocr.image", traceId: "trace-one" }));
    await bus.serve(inbound({ capability: "ocr.pdf", caller: member("trusted", D) }));
    await assert.rejects(bus.call(ask({ capability: "ext.ocr.image" })), refused("internal_error"));
    const names = (filter: Parameters<typeof bus.recentCalls>[1]): string[] =>
      bus.recentCalls(9, filter).map(({ capability }) => capability);
    assert.deepEqual(names({}), ["ext.ocr.image", "ocr.pdf", "ocr.image"]);
    assert.deepEqual(names({ capability: "ocr" }), ["ocr.pdf", "ocr.image"]);
    assert.deepEqual(names({ capability: "ocr.pdf" }), ["ocr.pdf"]);
    assert.deepEqual(names({ node: B }), ["ocr.image"]);
    assert.deepEqual(names({ node: ME, result: "ok" }), ["ocr.pdf", "ocr.image"]);
    assert.deepEqual(names({ result: "internal_error" }), ["ext.ocr.image"]);
    assert.deepEqual(names({ trace_id: "trace-one" }), ["ocr.image"]);
    const [newest] = bus.recentCalls(1);
    assert.equal(newest?.seq, 3);
    assert.deepEqual(names({ after: 1 }), ["ext.ocr.image", "ocr.pdf"]);
    assert.deepEqual(names({ after: 3 }), []);
  });

  test("of a model it keeps how many tokens went in and out, of nothing else (B-13)", async () => {
    const { bus } = makeBus();
    const meta = { tokens_in: 12, tokens_out: 34, text: "private" };
    bus.offer(offer({ name: "llm.chat" }, () => Promise.resolve({ output: {}, meta })));
    bus.offer(
      offer({ name: "llm.complete", response_schema: null, stream_schema: { type: "object" } }, async function* () {
        yield { event: "token", data: { text: "private" } };
        return meta;
      }),
    );
    bus.offer(offer({ name: "ext.demo.echo" }, () => Promise.resolve({ output: {}, meta })));
    bus.offer(offer({ name: "llm.models" }, () => Promise.resolve({ output: {}, meta: { tokens_in: -1, tokens_out: "9" } })));
    const keptOf = async (capability: string): Promise<unknown[]> => {
      if (capability === "llm.complete") for await (const _ of bus.stream(ask({ capability }))) void _;
      else await bus.call(ask({ capability }));
      const [row] = bus.recentCalls(1);
      assert.equal(JSON.stringify(row).includes("private"), false);
      return [row?.tokens_in, row?.tokens_out];
    };
    assert.deepEqual(await keptOf("llm.chat"), [12, 34]);
    assert.deepEqual(await keptOf("llm.complete"), [12, 34]);
    assert.deepEqual(await keptOf("ext.demo.echo"), [undefined, undefined]);
    assert.deepEqual(await keptOf("llm.models"), [undefined, undefined]);
  });

  test("who counts hears of each call once, and of nobody's words", async () => {
    const { bus } = makeBus();
    const heard: EndedCall[] = [];
    const stop = bus.onEnded((call) => heard.push({ ...call }));
    bus.offer(offer());
    await bus.call(ask());
    stop();
    await bus.call(ask());
    assert.equal(heard.length, 1);
    assert.equal(heard[0]?.capability, "ext.demo.echo");
    assert.equal(heard[0]?.to, ME);
  });
});

test("B-6 of a model the first frame counts as its speed, also for who waits for the whole", async () => {
  const { bus, clock } = makeBus();
  bus.offer(
    offer({ name: "llm.chat", response_schema: null, stream_schema: { type: "object" } }, async function* () {
      clock.advance(40);
      yield { event: "token", data: {} };
      clock.advance(9000);
      return {};
    }),
  );
  await bus.call(ask({ capability: "llm.chat" }));
  assert.equal(bus.entries()[0]?.p50_latency_ms, 40);
  for await (const _ of bus.stream(ask({ capability: "llm.chat" }))) void _;
  assert.equal(bus.entries()[0]?.p99_latency_ms, 40);
  assert.equal(bus.recentCalls(1)[0]?.ms, 9040, "the trace tells the whole time");
});
