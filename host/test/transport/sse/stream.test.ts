import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import type { Frame, Handler, JsonObject } from "../../../src/contract/index.ts";
import { HnError } from "../../../src/foundation/index.ts";
import { EventParser } from "../../../src/transport/sse/parse.ts";
import { later, tick } from "../../bus/make.ts";
import { asText, letter, plug, post, refusalOf, type Letter } from "../support/letters.ts";
import { PATIENT, shareStreet } from "../support/shared-street.ts";

const FRAMES = { type: "object" } as const;

describe("an answer as a stream (02 §7.1, T-13)", async () => {
  const { street, anna, ben } = await shareStreet((street) => street.neighbours(PATIENT));

  function asking(capability: string, accept = "text/event-stream", input: JsonObject = {}): Letter {
    const one = letter(ben.signer, anna, { capability, body: { params: {}, input }, at: street.clock.now() });
    one.headers["accept"] = accept;
    return one;
  }

  const two: Handler = async function* () {
    yield { event: "token", data: { text: "Re" } };
    await tick();
    yield { event: "token", data: { text: "gen" } };
    return { ms: 3 };
  };

  it("is chosen when the capability streams, the caller accepts it and does not ask otherwise", async () => {
    anna.offer({ name: "ext.demo.two", stream_schema: FRAMES }, two);
    anna.offer({ name: "ext.demo.plain" });
    const type = async (one: Letter): Promise<unknown> => (await post(anna, one)).headers["content-type"];
    assert.equal(await type(asking("ext.demo.two", "application/json, text/event-stream")), "text/event-stream");
    assert.equal(await type(asking("ext.demo.two", "application/json")), "application/json");
    assert.equal(await type(asking("ext.demo.two", "text/event-stream", { stream: false })), "application/json");
    assert.equal(await type(asking("ext.demo.plain")), "application/json");
    const { body } = await post(anna, asking("ext.demo.two", "application/json"));
    assert.deepEqual((body["output"] as JsonObject)["frames"], [
      { event: "token", data: { text: "Re" } },
      { event: "token", data: { text: "gen" } },
    ]);
  });

  it("that fails before its first frame is an ordinary refusal, later an error frame", async () => {
    const broken = (after: number): Handler =>
      async function* () {
        for (let i = 0; i < after; i++) yield { event: "token", data: { i } };
        await tick();
        throw new HnError("not_found", { message: "No such corpus." });
      };
    anna.offer({ name: "ext.demo.early", stream_schema: FRAMES }, broken(0));
    anna.offer({ name: "ext.demo.late", stream_schema: FRAMES }, broken(1));
    assert.equal(refusalOf(await post(anna, asking("ext.demo.early")), anna, { from: ben.nodeId }), "404 not_found");
    const { status, text } = await post(anna, asking("ext.demo.late"));
    assert.equal(status, 200);
    const frames = new EventParser().push(Buffer.from(text));
    assert.deepEqual(
      frames.map((frame) => frame.event),
      ["token", "error"],
    );
    assert.equal(frames[1]?.data["error"], "not_found");
    assert.equal(typeof frames[1]?.data["_sig"], "object");
  });

  it("keeps the line open with a comment every 15 s, also before the first frame", async () => {
    const gate = later<Frame>();
    anna.offer({ name: "ext.demo.slow", stream_schema: FRAMES, timeout_seconds: 100 }, async function* () {
      yield await gate.promise;
      return {};
    });
    const socket = await plug(anna);
    socket.write(asText(asking("ext.demo.slow")));
    let seen = "";
    socket.on("data", (chunk: Buffer) => (seen += chunk.toString()));
    const sees = async (what: string): Promise<void> => {
      while (!seen.includes(what)) await once(socket, "data");
    };
    while (anna.bus.inFlight() === 0) await tick();
    street.clock.advance(15_000);
    await sees("\r\n\r\n");
    for (let i = 0; i < 2; i++) {
      seen = "";
      street.clock.advance(15_000);
      await sees(": keepalive\n\n");
    }
    gate.resolve({ event: "token", data: {} });
    await sees("event: done");
    socket.destroy();
  });

  it("waits for a slow reader with 16 frames unsent at most, and gives one up that reads nothing for 30 s", async () => {
    let produced = 0;
    let stopped: unknown;
    anna.offer({ name: "ext.demo.flood", stream_schema: FRAMES, timeout_seconds: 300 }, async function* (_call, { signal }) {
      signal.addEventListener("abort", () => void (stopped = signal.reason as unknown));
      for (;;) {
        yield { event: "chunk", data: { text: "x".repeat(100_000) } };
        produced += 1;
      }
    });
    const socket = await plug(anna);
    socket.pause();
    socket.write(asText(asking("ext.demo.flood")));
    let before = -1;
    while (produced !== before || produced === 0) {
      before = produced;
      for (let i = 0; i < 50; i++) await tick();
    }
    assert.ok(produced < 200, `${produced} frames were made for a reader that reads nothing`);
    assert.equal(anna.bus.inFlight(), 1);
    street.clock.advance(29_000);
    await tick();
    assert.equal(anna.bus.inFlight(), 1);
    street.clock.advance(1000);
    while (anna.bus.inFlight() > 0) await tick();
    assert.ok(HnError.isHnError(stopped));
    // Its connection is cut when it does not take the error frame either.
    const closed = once(socket, "close");
    street.clock.advance(30_000);
    socket.resume();
    await closed;
  });

  it("ends its handler within 200 ms when the caller goes away", async () => {
    const begun = later<undefined>();
    const ended = later<number>();
    anna.offer({ name: "ext.demo.endless", stream_schema: FRAMES, timeout_seconds: 300 }, async function* (_call, { signal }) {
      signal.addEventListener("abort", () => ended.resolve(performance.now()));
      yield { event: "token", data: {} };
      begun.resolve(undefined);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return {};
    });
    const socket = await plug(anna);
    socket.write(asText(asking("ext.demo.endless")));
    await begun.promise;
    const left = performance.now();
    socket.destroy();
    assert.ok((await ended.promise) - left < 200);
    while (anna.bus.inFlight() > 0) await tick();
  });
});
