import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import { ManualClock } from "../../../src/foundation/index.ts";
import { SlowReader } from "../../../src/transport/sse/slow-reader.ts";
import { tick } from "../../bus/make.ts";
import { refused } from "../../identity/people.ts";

/** A response into a pipe of endless size whose far end takes one piece whenever the test says so. */
function pipe(): { reader: SlowReader; clock: ManualClock; response: Writable; takeOne: () => void; taken: string[] } {
  const clock = new ManualClock();
  const waiting: (() => void)[] = [];
  const taken: string[] = [];
  const response = new Writable({
    highWaterMark: 1e9,
    decodeStrings: false,
    write: (text: string, _encoding, done) => {
      waiting.push(() => {
        taken.push(text);
        done();
      });
    },
  });
  const reader = new SlowReader(response as unknown as ServerResponse, clock);
  return { reader, clock, response, takeOne: () => waiting.shift()?.(), taken };
}

describe("a reader that sets the pace (T-13)", () => {
  it("lets 16 small pieces wait and not one more", async () => {
    const { reader, takeOne, taken } = pipe();
    for (let i = 0; i < 15; i++) await reader.write(`${i}`);
    let isThrough = false;
    const sixteenth = reader.write("15").then(() => (isThrough = true));
    await tick();
    assert.equal(isThrough, false);
    takeOne();
    await sixteenth;
    assert.deepEqual(taken, ["0"]);
  });

  it("is given up after 30 s without taking anything, however often it took something before", async () => {
    const { reader, clock, takeOne } = pipe();
    for (let i = 0; i < 15; i++) await reader.write(`${i}`);
    for (let i = 0; i < 3; i++) {
      const next = reader.write("x");
      clock.advance(29_999);
      takeOne();
      await next;
    }
    const last = assert.rejects(reader.write("y"), refused("timeout"));
    clock.advance(30_000);
    await last;
  });

  it("that is gone holds nobody up", async () => {
    const { reader, response } = pipe();
    for (let i = 0; i < 15; i++) await reader.write(`${i}`);
    const next = reader.write("x");
    response.destroy();
    await next;
    await reader.write("y");
    await reader.end("z");
  });

  it("hears a keep-alive only when nothing waits for it", async () => {
    const { reader, takeOne, taken } = pipe();
    reader.comment("a");
    takeOne();
    await tick();
    await reader.write("b");
    reader.comment("c");
    takeOne();
    await tick();
    assert.deepEqual(taken, ["a", "b"]);
  });

  it("that does not take the last piece in time is cut", async () => {
    const { reader, clock, response } = pipe();
    const end = reader.end("z");
    clock.advance(30_000);
    await end;
    assert.ok(response.destroyed);
  });
});
