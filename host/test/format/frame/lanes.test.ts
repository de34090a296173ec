import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Lanes, type ByteSocket } from "../../../src/format/index.ts";
import { holds } from "../../support/property.ts";

/** One end of a cable whose other end gets what was written in pieces of any size. */
class End implements ByteSocket {
  writableLength = 0;
  paused = false;
  destroyed = false;
  readonly sent: Uint8Array[] = [];
  readonly #listeners: Record<string, ((bytes: Uint8Array) => void)[]> = {};

  write(bytes: Uint8Array): boolean {
    this.sent.push(bytes);
    return true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  destroy(): void {
    this.destroyed = true;
  }

  on(event: string, listener: never): void {
    (this.#listeners[event] ??= []).push(listener);
  }

  emit(event: string, bytes: Uint8Array = new Uint8Array(0)): void {
    for (const listener of this.#listeners[event] ?? []) listener(bytes);
  }

  /** Everything sent so far, for the other end. */
  take(): Buffer {
    return Buffer.concat(this.sent.splice(0));
  }
}

function open(): { end: End; lanes: Lanes; found: Map<number, ByteSocket>; texts: Map<number, string>; closed: () => boolean } {
  const end = new End();
  const found = new Map<number, ByteSocket>();
  const texts = new Map<number, string>();
  let over = false;
  const lanes = new Lanes({
    socket: end,
    onLane: (number, lane) => {
      found.set(number, lane);
      lane.on("data", (bytes) => texts.set(number, (texts.get(number) ?? "") + Buffer.from(bytes).toString("latin1")));
    },
    onClose: () => (over = true),
  });
  return { end, lanes, found, texts, closed: () => over };
}

const text = (value: string): Uint8Array => Buffer.from(value, "latin1");

test("what is written to a lane comes out of the same lane, in order, however the connection cuts it", () => {
  holds(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.string({ minLength: 1, maxLength: 40, unit: "binary-ascii" })), {
        minLength: 1,
      }),
      fc.integer({ min: 1, max: 17 }),
      (writes, size) => {
        const [from, to] = [open(), open()];
        const lanes = [0, 1, 2, 3].map((number) => from.lanes.open(number));
        for (const lane of lanes) lane.write(text("^"));
        for (const [number, value] of writes) lanes[number]?.write(text(value));
        const bytes = from.end.take();
        for (let at = 0; at < bytes.length; at += size) to.end.emit("data", bytes.subarray(at, at + size));
        for (const number of [0, 1, 2, 3]) {
          const expected = writes.filter(([lane]) => lane === number).map(([, value]) => value);
          assert.equal(to.texts.get(number), `^${expected.join("")}`);
        }
      },
    ),
  );
});

test("a large piece is handed on as it arrives, nothing is collected first", () => {
  const [from, to] = [open(), open()];
  from.lanes.open(1).write(new Uint8Array(200_000).fill(65));
  const bytes = from.end.take();
  to.end.emit("data", bytes.subarray(0, 50_000));
  assert.equal(to.texts.get(1)?.length, 50_000 - 8);
  to.end.emit("data", bytes.subarray(50_000));
  assert.equal(to.texts.get(1)?.length, 200_000);
});

test("a lane that ended stays ended: late bytes for it reach nobody, its number opens nothing new", () => {
  const [from, to] = [open(), open()];
  const lane = from.lanes.open(1);
  lane.write(text("a"));
  to.end.emit("data", from.end.take());
  let closed = 0;
  to.found.get(1)?.on("close", () => (closed += 1));
  lane.destroy();
  lane.write(text("never"));
  to.end.emit("data", from.end.take());
  assert.equal(closed, 1);
  to.end.emit("data", Buffer.concat([Buffer.from([0, 0, 0, 1, 0, 0, 0, 1]), text("b")]));
  assert.equal(to.texts.get(1), "a");
  assert.equal(to.found.size, 1);
});

test("one lane that pauses stops the connection, and its end lets it go on", () => {
  const { end, lanes } = open();
  const [one, two] = [lanes.open(1), lanes.open(2)];
  one.pause();
  two.pause();
  assert.ok(end.paused);
  one.resume();
  assert.ok(end.paused, "the other still waits");
  two.destroy();
  assert.ok(!end.paused);
});

test("a connection that ends closes every lane once; a length that cannot be closes it too", () => {
  const first = open();
  let closes = 0;
  first.lanes.open(1).on("close", () => (closes += 1));
  first.end.emit("close");
  first.end.emit("close");
  assert.deepEqual([closes, first.closed()], [1, true]);
  const second = open();
  second.end.emit("data", Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 1]));
  assert.ok(second.closed() && second.end.destroyed);
  assert.equal(second.found.size, 0);
});
