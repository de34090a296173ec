import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { CallTrace } from "../../../src/contract/index.ts";
import { letter, post, refusalOf, type LetterFacts } from "../support/letters.ts";
import { Endings, Street, type House } from "../support/street.ts";

const METRICS: LetterFacts = { method: "GET", path: "/metrics", capability: "sys.metrics" };
const traces = (n?: string): LetterFacts => ({
  method: "GET",
  path: `/trace/recent${n === undefined ? "" : `?n=${n}`}`,
  capability: "sys.trace",
  body: n === undefined ? {} : { n },
});

describe("figures and traces on the public port (02 T-7)", () => {
  const endings = new Endings();
  const refusals: { code: string; reason: string | undefined; capability: string }[] = [];
  let street: Street;
  let anna: House;
  let ben: House;
  let carl: House;
  let dora: House;

  before(async () => {
    street = new Street(endings);
    const listener = {
      rates: { perAddress: 1000, softPerCapability: 1000 },
      metrics: async (): Promise<string> => "# TYPE hearthnet_x gauge\nhearthnet_x 1\n",
      onRefused: (refusal: (typeof refusals)[number]) => void refusals.push(refusal),
    };
    [anna, ben] = await street.neighbours({ anna: { listener } });
    [carl, dora] = [await street.house("Carl"), await street.house("Dora")];
    await street.welcome(anna, carl, "trusted");
    anna.offer();
    await anna.bus.call(anna.ask({ capability: "ext.demo.echo" }));
    for (const caller of [ben, carl]) {
      await street.meet(caller, anna);
      await caller.bus.call(caller.ask({ capability: "ext.demo.echo" }));
    }
  });
  after(() => endings.run());

  function ask(by: House, facts: LetterFacts): ReturnType<typeof post> {
    return post(anna, letter(by.signer, anna, { at: street.clock.now(), community: anna.communityId(), ...facts }));
  }

  it("figures are for trusted members, and come as the text that collectors read", async () => {
    const answer = await ask(carl, METRICS);
    assert.equal(answer.status, 200);
    assert.equal(answer.text, "# TYPE hearthnet_x gauge\nhearthnet_x 1\n");
    assert.equal(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(answer.headers["x-content-type-options"], "nosniff");
    for (const by of [ben, dora]) assert.equal(refusalOf(await ask(by, METRICS), anna, { from: by.nodeId }), "401 unauthorized");
    const unsigned = await post(anna, { method: "GET", path: "/metrics", headers: {}, body: "" });
    assert.equal(unsigned.status, 400, "being on this machine grants nothing");
  });

  it("of the calls a member sees its own, an anchor all, a stranger none", async () => {
    const rowsFor = async (by: House, n?: string): Promise<CallTrace[]> =>
      JSON.parse((await ask(by, traces(n))).text) as CallTrace[];
    assert.deepEqual(
      (await rowsFor(ben)).map(({ from_node }) => from_node),
      [ben.nodeId],
    );
    assert.deepEqual(
      (await rowsFor(carl)).map(({ from_node }) => from_node),
      [carl.nodeId],
      "trusted is no anchor",
    );
    const all = await rowsFor(anna);
    assert.deepEqual(
      all.map(({ from_node }) => from_node),
      [carl.nodeId, ben.nodeId, anna.nodeId],
    );
    assert.equal((await rowsFor(anna, "1")).length, 1);
    assert.equal(refusalOf(await ask(dora, traces()), anna, { from: dora.nodeId }), "401 unauthorized");
    for (const n of ["0", "-1", "1.5", "x", "999999"])
      assert.equal(refusalOf(await ask(anna, traces(n)), anna, { from: anna.nodeId }), "400 bad_request", n);
  });

  it("whoever is turned away at the door is told of to who counts, and nobody else", async () => {
    refusals.length = 0;
    await ask(ben, { capability: "ext.demo.echo" });
    const forged = letter(ben.signer, anna, { at: street.clock.now(), community: anna.communityId() });
    forged.body = JSON.stringify({ params: {}, input: { n: 2 } });
    assert.equal((await post(anna, forged)).status, 401);
    await ask(ben, { capability: "ext.demo.nothing" });
    assert.deepEqual(refusals, [{ code: "invalid_signature", reason: undefined, capability: "ext.demo.echo" }]);
  });
});

describe("traceparent beside our own header (03 B-14, W3C Trace Context)", () => {
  const endings = new Endings();
  const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  const SPAN = "00f067aa0ba902b7";
  const GOOD = `00-${TRACE}-${SPAN}-01`;
  /** The same 128 bits as a ULID. */
  const ULID = "2BZ4QKAXXK9PKA7KMJKM70WHSP";
  let street: Street;
  let anna: House;
  let ben: House;

  before(async () => {
    street = new Street(endings);
    [anna, ben] = await street.neighbours({ anna: { listener: { rates: { perAddress: 1000, softPerCapability: 1000 } } } });
    anna.offer();
  });
  after(() => endings.run());

  async function traceOf(headers: Record<string, string | string[]>): Promise<CallTrace | undefined> {
    const sent = letter(ben.signer, anna, { at: street.clock.now(), community: anna.communityId() });
    Object.assign(sent.headers, headers);
    assert.equal((await post(anna, sent)).status, 200, "it is for diagnosis only: nothing is refused for it");
    return anna.bus.recentCalls(1)[0];
  }

  it("names the trace and the parent for callers that know no other header", async () => {
    const row = await traceOf({ traceparent: GOOD });
    assert.deepEqual([row?.trace_id, row?.parent_id], [ULID, SPAN]);
  });

  it("adds the parent to our own trace id, if it speaks of the same trace", async () => {
    const same = await traceOf({ traceparent: GOOD, "x-hearthnet-trace-id": ULID });
    assert.deepEqual([same?.trace_id, same?.parent_id], [ULID, SPAN]);
    const other = await traceOf({ traceparent: GOOD, "x-hearthnet-trace-id": "01J9Z3K8V4Q2N7M5C6B1A0XWYT" });
    assert.deepEqual([other?.trace_id, other?.parent_id], ["01J9Z3K8V4Q2N7M5C6B1A0XWYT", undefined]);
  });

  it("counts as not sent when it has another form, or stands there twice", async () => {
    for (const traceparent of [`00-${TRACE}-${SPAN}`, GOOD.toUpperCase(), "nonsense", [GOOD, GOOD]]) {
      const row = await traceOf({ traceparent });
      assert.equal(row?.parent_id, undefined);
      assert.notEqual(row?.trace_id, ULID);
    }
  });

  it("goes out with every call, so that both nodes' spans are one tree", async () => {
    await street.meet(ben, anna);
    ben.offer({ name: "ext.demo.outer" }, async ({ traceId, hops, span }) => {
      const { output } = await ben.bus.call(ben.ask({ capability: "ext.demo.echo", traceId, hops, parent: span as number }));
      return { output, meta: {} };
    });
    await ben.bus.call(ben.ask({ capability: "ext.demo.outer" }));
    const [outer, out] = ben.bus.recentCalls(2);
    const [served] = anna.bus.recentCalls(1);
    assert.equal(out?.parent_id, outer?.span_id);
    assert.equal(served?.parent_id, out?.span_id);
    assert.equal(served?.trace_id, outer?.trace_id);
  });
});
