import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Frame, JsonObject } from "../../src/contract/index.ts";
import { ask, body, later, makeBus, offer, refused, tick } from "./make.ts";

async function drain(frames: AsyncGenerator<Frame, JsonObject, void>): Promise<{ frames: Frame[]; done: JsonObject }> {
  const seen: Frame[] = [];
  for (;;) {
    const step = await frames.next();
    if (step.done === true) return { frames: seen, done: step.value };
    seen.push(step.value);
  }
}

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
  test("what gives either answers at once in the words of its answer, and ends a stream in those of a stream", async () => {
    const { bus } = makeBus();
    const only = (event: string, field: string): object => ({
      properties: { event: { const: event }, data: { required: [field] } },
    });
    const either = {
      response_schema: { properties: { output: { required: ["cid"] } } },
      stream_schema: { oneOf: [only("token", "text"), only("done", "tokens")] },
    };
    const giving = (frames: Frame[], done: JsonObject): Parameters<typeof offer>[1] =>
      async function* () {
        await tick();
        yield* frames;
        return done;
      };
    const token: Frame = { event: "token", data: { text: "a" } };
    for (const [frames, done, isRight] of [
      [[], { cid: "x" }, true],
      [[], { tokens: 1 }, true],
      [[token], { tokens: 1 }, true],
      [[token], { cid: "x" }, false],
      [[], { neither: 1 }, false],
    ] as const) {
      const registration = bus.offer(offer(either as never, giving([...frames], done)));
      if (isRight) assert.deepEqual(await drain(bus.stream(ask())), { frames: [...frames], done });
      else await assert.rejects(drain(bus.stream(ask())), refused("internal_error"));
      registration.withdraw();
    }
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
