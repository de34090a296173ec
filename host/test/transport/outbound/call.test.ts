import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { HnError, ManualClock } from "../../../src/foundation/index.ts";
import type { Endpoint, Frame, JsonObject } from "../../../src/contract/index.ts";
import { later, tick } from "../../bus/make.ts";
import { refused } from "../../identity/people.ts";
import { until } from "../../support/until.ts";
import { Cable } from "../support/cable.ts";
import { crooked } from "../support/crooked.ts";
import { call, PATIENT, shareStreet } from "../support/shared-street.ts";
import { Street, temporaryFolder } from "../support/street.ts";

const ANY = { type: "object" } as const;

async function take(frames: AsyncGenerator<Frame, JsonObject, void>): Promise<{ seen: JsonObject[]; end: JsonObject }> {
  const seen: JsonObject[] = [];
  for (;;) {
    const step = await frames.next();
    if (step.done === true) return { seen, end: { ...step.value } };
    seen.push({ ...step.value.data });
  }
}

describe("a call to a neighbour", async () => {
  const { street, anna, ben } = await shareStreet((street) => street.neighbours(PATIENT));

  it("is routed by what its manifest offers, answered and told from whom", async () => {
    anna.offer();
    await street.meet(ben, anna);
    const reply = await ben.bus.call(ben.ask({ capability: "ext.demo.echo", body: { params: {}, input: { text: "grüß" } } }));
    assert.deepEqual([{ ...reply.output }, reply.provider], [{ text: "grüß" }, anna.nodeId]);
    assert.equal(typeof reply.meta.ms, "number");
    assert.equal(ben.bus.recentCalls(1)[0]?.result, "ok");
    assert.equal(anna.bus.recentCalls(1)[0]?.from_node, ben.nodeId);
    assert.equal(anna.bus.recentCalls(1)[0]?.trace_id, ben.bus.recentCalls(1)[0]?.trace_id, "one trace over both nodes (B-14)");
  });

  it("carries bytes both ways", async () => {
    anna.offer(
      { name: "ext.demo.bytes" },
      ({ body }) => {
        const picture = body.input["picture"] as unknown as Uint8Array;
        assert.ok(picture instanceof Uint8Array);
        return Promise.resolve({ output: { back: picture.toReversed() as unknown as string }, meta: {} });
      },
      { binary: ["/input/picture"] },
    );
    await street.meet(ben, anna);
    const picture = new Uint8Array([1, 2, 255]) as unknown as string;
    const reply = await ben.bus.call(ben.ask({ capability: "ext.demo.bytes", body: { params: {}, input: { picture } } }));
    assert.deepEqual({ ...reply.output }, { back: "_wIB" });
  });

  it("streams frame by frame and ends with the summary", async () => {
    anna.offer({ name: "ext.demo.words", stream_schema: ANY }, async function* () {
      for (const text of ["Re", "gen"]) {
        await tick();
        yield { event: "token", data: { text } };
      }
      return { ms: 3 };
    });
    await street.meet(ben, anna);
    const { seen, end } = await take(ben.bus.stream(ben.ask({ capability: "ext.demo.words" })));
    assert.deepEqual([seen, end], [[{ text: "Re" }, { text: "gen" }], { ms: 3 }]);
  });

  it("that is answered at once although a stream was asked for ends as a stream does", async () => {
    anna.offer({ name: "ext.demo.echo" });
    const { seen, end } = await take(ben.link.stream(call(anna, [anna.endpoint], { stream: true })));
    assert.deepEqual([seen, end], [[], { n: 1 }]);
  });

  it("brings the neighbour's refusal with its code, reason and time to wait", async () => {
    const full = new HnError("capacity_exceeded", {
      reason: "slots_full",
      retryAfterMs: 700,
      message: "Full\u202e\u0000 house.",
    });
    anna.offer({ name: "ext.demo.full" }, () => Promise.reject(full));
    await street.meet(ben, anna);
    await assert.rejects(ben.bus.call(ben.ask({ capability: "ext.demo.full" })), (error) => {
      assert.ok(HnError.isHnError(error));
      assert.deepEqual(
        [error.code, error.reason, error.retryAfterMs, error.message],
        ["capacity_exceeded", "slots_full", 700, "Full   house."],
      );
      return true;
    });
    await assert.rejects(ben.link.call(call(anna, [anna.endpoint], { capability: "ext.demo.nothing" })), refused("not_found"));
  });

  it("is never passed on by who received it (B-7)", async (t) => {
    const lane = new Street(t);
    const [one, two] = await lane.neighbours();
    const three = await lane.house("Three");
    await lane.welcome(one, three);
    three.offer({ name: "ext.demo.far" });
    await one.community.syncWith(three.address(), one.link);
    await lane.meet(one, three);
    assert.equal((await one.bus.call(one.ask({ capability: "ext.demo.far" }))).provider, three.nodeId);
    await assert.rejects(two.link.call(call(one, [one.endpoint], { capability: "ext.demo.far" })), refused("not_found"));
  });

  it("goes to another neighbour when the first is gone (B-8)", async (t) => {
    const lane = new Street(t);
    const [one, two] = await lane.neighbours();
    const three = await lane.house("Three");
    await lane.welcome(one, three);
    await two.community.syncWith(one.address(), two.link);
    for (const house of [one, three]) house.offer({ name: "ext.demo.twice" });
    for (const house of [one, three]) await lane.meet(two, house);
    const first = await two.bus.call(two.ask({ capability: "ext.demo.twice" }));
    const gone = first.provider === one.nodeId ? one : three;
    await gone.listener.close({ drainMs: 0 });
    const second = two.bus.call(two.ask({ capability: "ext.demo.twice" }));
    await until("the first attempt fails", () => two.bus.recentCalls(1)[0]?.result === "partition");
    await tick();
    lane.clock.advance(250);
    assert.notEqual((await second).provider, first.provider);
  });

  it("is ended at the neighbour within 200 ms when its caller cancels", async () => {
    const begun = later<undefined>();
    const ended = later<number>();
    anna.offer({ name: "ext.demo.long" }, (_call, { signal }) => {
      signal.addEventListener("abort", () => ended.resolve(performance.now()));
      begun.resolve(undefined);
      return new Promise(() => undefined);
    });
    await street.meet(ben, anna);
    const caller = new AbortController();
    const running = ben.bus.call(ben.ask({ capability: "ext.demo.long", signal: caller.signal }));
    await begun.promise;
    const left = performance.now();
    caller.abort();
    await assert.rejects(running, refused("timeout"));
    assert.ok(performance.now() - left < 200);
    assert.ok((await ended.promise) - left < 200);
    street.clock.advance(200);
    assert.equal(anna.bus.inFlight(), 0);
    assert.equal(ben.bus.inFlight(), 0);
  });

  it("is ended at the neighbour when the reader of its stream turns away", async () => {
    const ended = later<undefined>();
    anna.offer({ name: "ext.demo.endless", stream_schema: ANY }, async function* (_call, { signal }) {
      signal.addEventListener("abort", () => ended.resolve(undefined));
      for (let i = 0; ; i++) {
        yield { event: "token", data: { i } };
        await tick();
      }
    });
    await street.meet(ben, anna);
    for await (const frame of ben.bus.stream(ben.ask({ capability: "ext.demo.endless" }))) if (frame.data["i"] === 3) break;
    await ended.promise;
    while (anna.bus.inFlight() > 0) await tick();
  });

  it("times out at the neighbour with the time its caller gave", async () => {
    anna.offer({ name: "ext.demo.stuck" }, () => new Promise(() => undefined));
    const running = ben.link.call(call(anna, [anna.endpoint], { capability: "ext.demo.stuck", timeoutMs: 2000 }));
    const outcome = assert.rejects(running, refused("timeout"));
    while (anna.bus.inFlight() === 0) await tick();
    street.clock.advance(2000);
    await outcome;
    assert.equal(anna.bus.recentCalls(1)[0]?.result, "timeout");
    street.clock.advance(200);
  });

  it("learns the neighbour's clock from its signed refusal and tries once more (T-2)", async (t) => {
    const lane = new Street(t);
    const slow = new ManualClock(lane.clock.now() - 3_600_000);
    const one = await lane.house("One");
    const two = await lane.house("Two", { clock: slow });
    one.offer({ trust_required: "unknown", idempotent: false });
    const reply = await two.link.call(call(one, [one.endpoint]));
    assert.deepEqual({ ...reply.output }, { n: 1 });
    assert.equal(one.bus.recentCalls(9).length, 1);
    await two.link.call(call(one, [one.endpoint]));
    assert.equal(one.bus.recentCalls(9).length, 2, "and knows it from then on");
  });

  it("names its recipient to all but those whose manifest says that they do not know how (T-3)", async (t) => {
    const lane = new Street(t);
    const old = await lane.house("Old", { features: [] });
    const two = await lane.house("Two");
    old.offer({ trust_required: "unknown", idempotent: false });
    const ask = (): Promise<unknown> => two.link.call(call(old, [old.endpoint]));
    await ask();
    await two.link.fetchManifest(old.endpoint, old.nodeId);
    await assert.rejects(ask(), refused("invalid_signature", "recipient_unbound"));
  });
});

describe("a neighbour that cannot be reached", async () => {
  const { street, anna, ben } = await shareStreet((street) => street.neighbours(PATIENT));
  anna.offer();
  anna.offer({ name: "ext.demo.long", timeout_seconds: 600 }, () => new Promise(() => undefined));
  anna.offer({ name: "ext.demo.tokens", stream_schema: ANY, timeout_seconds: 600 }, async function* () {
    yield { event: "token", data: { n: 1 } };
    await new Promise(() => undefined);
    return {};
  });

  const nowhere: Endpoint = { transport: "https", host: "127.0.0.1", port: 1 };

  it("is a partition, at once when nobody listens or no address is known", async () => {
    await assert.rejects(ben.link.call(call(anna, [nowhere])), refused("partition", "provider_unreachable"));
    await assert.rejects(ben.link.call(call(anna, [])), refused("partition", "provider_unreachable"));
    await assert.rejects(
      take(ben.link.stream(call(anna, [nowhere], { stream: true }))),
      refused("partition", "provider_unreachable"),
    );
  });

  it("is tried at its other addresses", async (t) => {
    const stranger = await crooked(t, anna, { tls: ben.tls });
    const reply = await ben.link.call(call(anna, [nowhere, stranger.endpoint, anna.endpoint]));
    assert.deepEqual({ ...reply.output }, { n: 1 });
    assert.deepEqual(stranger.asked, []);
  });

  it("is a partition when the connection is cut in the middle of a call or a stream", async (t) => {
    const cable = await Cable.between(t, () => anna.endpoint);
    const running = ben.link.call(call(anna, [cable.endpoint], { capability: "ext.demo.long" }));
    const outcome = assert.rejects(running, refused("partition"));
    while (anna.bus.inFlight() === 0) await tick();
    cable.cut();
    await outcome;
    const frames = ben.link.stream(call(anna, [cable.endpoint], { capability: "ext.demo.tokens", stream: true }));
    await frames.next();
    cable.cut();
    await assert.rejects(frames.next(), refused("partition", "stream_cut"));
    street.clock.advance(1000);
  });

  it("that is swallowed up by the network costs the caller its deadline and not more", async (t) => {
    const cable = await Cable.between(t, () => anna.endpoint);
    const ask = (): Promise<unknown> => ben.link.call(call(anna, [cable.endpoint], { timeoutMs: 5000 }));
    await ask();
    cable.swallow();
    const kept = assert.rejects(ask(), refused("timeout"));
    const other = await Cable.between(t, () => anna.endpoint);
    other.swallow();
    const fresh = assert.rejects(ben.link.call(call(anna, [other.endpoint], { timeoutMs: 5000 })), refused("timeout"));
    while (other.connections === 0) await tick();
    street.clock.advance(5000);
    await Promise.all([kept, fresh]);
  });

  it("that is swallowed up in the middle of a stream is missed after three keep-alives", async (t) => {
    const cable = await Cable.between(t, () => anna.endpoint);
    const frames = ben.link.stream(
      call(anna, [cable.endpoint], { capability: "ext.demo.tokens", stream: true, timeoutMs: 5000 }),
    );
    await frames.next();
    const next = frames.next();
    const outcome = assert.rejects(next, refused("partition", "stream_cut"));
    cable.swallow();
    street.clock.advance(44_999);
    await tick();
    street.clock.advance(1);
    await outcome;
  });

  it("keeps a stream alive by its keep-alives, however long the next frame takes", async () => {
    const gate = later<undefined>();
    anna.offer({ name: "ext.demo.rare", stream_schema: ANY, timeout_seconds: 600 }, async function* () {
      yield { event: "token", data: { n: 1 } };
      await gate.promise;
      return { ok: true };
    });
    const frames = ben.link.stream(call(anna, [anna.endpoint], { capability: "ext.demo.rare", stream: true }));
    await frames.next();
    const last = frames.next();
    for (let i = 0; i < 20; i++) {
      street.clock.advance(14_000);
      for (let turns = 0; turns < 20; turns++) await tick();
    }
    gate.resolve(undefined);
    assert.deepEqual({ ...((await last).value as JsonObject) }, { ok: true });
  });

  it("that is killed in mid-call, in mid-stream or before is a partition, never a hang", async (t) => {
    const child = spawn(
      process.execPath,
      ["--no-warnings", "--conditions=hearthnet-source", join(import.meta.dirname, "peer-process.ts"), temporaryFolder(t)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    t.after(() => child.kill("SIGKILL"));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { node_id, port } = JSON.parse(String((await lines.next()).value)) as { node_id: string; port: number };
    const there = { nodeId: node_id };
    const endpoints: Endpoint[] = [{ transport: "https", host: "127.0.0.1", port }];
    // The child lives on the machine's clock, this street on its own; the first call learns the difference.
    assert.deepEqual({ ...(await ben.link.call(call(there, endpoints))).output }, { n: 1 });
    const frames = ben.link.stream(call(there, endpoints, { capability: "ext.demo.tokens", stream: true }));
    await frames.next();
    const running = [
      assert.rejects(ben.link.call(call(there, endpoints, { capability: "ext.demo.long" })), refused("partition")),
      assert.rejects(frames.next(), refused("partition", "stream_cut")),
    ];
    assert.equal((await lines.next()).value, "long");
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await Promise.all([...running, gone]);
    await assert.rejects(ben.link.call(call(there, endpoints)), refused("partition", "provider_unreachable"));
  });
});
