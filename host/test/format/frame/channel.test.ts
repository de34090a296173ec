import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { FrameChannel, encodeFrame, type Attachments, type ChannelMessage } from "../../../src/format/frame/index.ts";
import { until } from "../../support/until.ts";

type Message = ChannelMessage & Record<string, unknown>;
interface End {
  channel: FrameChannel<Message, Message>;
  seen: { message: Message; attachments: Attachments }[];
  errors: Error[];
  closed: number;
  next(): Promise<{ message: Message; attachments: Attachments }>;
}

/** Two sockets joined back to back, each with the default high-water mark. @param atOnce  takes everything in the call that writes it, as a kernel with room does */
function socketPair(atOnce = false): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk: Uint8Array, _encoding, done) {
        setImmediate(() => {
          if (!other().destroyed) other().push(chunk);
          if (!atOnce) done();
        });
        if (atOnce) done();
      },
      destroy(error, done) {
        if (!other().destroyed) setImmediate(() => other().destroy());
        done(error);
      },
    });
  const a: Duplex = make(() => b);
  const b: Duplex = make(() => a);
  return [a, b];
}

function end(socket: Duplex, parity: "even" | "odd"): End {
  const waiting: ((value: { message: Message; attachments: Attachments }) => void)[] = [];
  const self: End = {
    seen: [],
    errors: [],
    closed: 0,
    next: () =>
      new Promise((resolve) => {
        const first = self.seen.shift();
        if (first === undefined) waiting.push(resolve);
        else resolve(first);
      }),
    channel: new FrameChannel<Message, Message>({
      socket,
      parity,
      onMessage(message, attachments) {
        const resolve = waiting.shift();
        if (resolve === undefined) self.seen.push({ message, attachments });
        else resolve({ message, attachments });
      },
      onError: (error) => self.errors.push(error),
      onClose: () => (self.closed += 1),
    }),
  };
  return self;
}

function pair(atOnce = false): { host: End; plugin: End; hostSocket: Duplex; pluginSocket: Duplex } {
  const [hostSocket, pluginSocket] = socketPair(atOnce);
  return { host: end(hostSocket, "even"), plugin: end(pluginSocket, "odd"), hostSocket, pluginSocket };
}

test("carries a message with small attachments in one frame (§5.1)", async () => {
  const { host, plugin } = pair();
  const bytes = randomBytes(1000);
  await host.channel.send({ t: "call", id: 2, body: { input: { image_b64: null } } }, { "/input/image_b64": bytes });
  const { message, attachments } = await plugin.next();
  assert.deepEqual(JSON.parse(JSON.stringify(message)), { t: "call", id: 2, body: { input: { image_b64: null } } });
  assert.deepEqual(Buffer.from(attachments.get("/input/image_b64")!), bytes);
});

test("carries attachments of several MiB in chunks under credit, both ways at once (§5.3.1)", async () => {
  const { host, plugin } = pair();
  const big = randomBytes(5_000_000);
  const other = randomBytes(700_001);
  const small = randomBytes(10);
  const there = host.channel.send({ t: "call", id: 2 }, { "/a": big, "/b": small, "/c": other });
  const back = plugin.channel.send({ t: "result", id: 4 }, { "/x": big });
  const got = await plugin.next();
  assert.deepEqual([...got.attachments.keys()], ["/a", "/b", "/c"]);
  assert.ok(
    big.equals(got.attachments.get("/a")!) &&
      small.equals(got.attachments.get("/b")!) &&
      other.equals(got.attachments.get("/c")!),
  );
  assert.ok(big.equals((await host.next()).attachments.get("/x")!));
  await Promise.all([there, back]);
  await until("all of the window came back", () => host.channel.queued === 0);
});

test("keeps the order of messages with one id while others overtake", async () => {
  const { host, plugin } = pair();
  const sent = [
    plugin.channel.send({ t: "frame", id: 2 }, { "/page/png": randomBytes(900_000) }),
    plugin.channel.send({ t: "done", id: 2 }),
    plugin.channel.send({ t: "result", id: 4 }),
  ];
  const order = [await host.next(), await host.next(), await host.next()].map(({ message }) => `${message.t}${message.id}`);
  assert.deepEqual(order, ["result4", "frame2", "done2"]);
  await Promise.all(sent);
});

test("lets a cancel overtake the bytes of its own call, and drops the unfinished message", async () => {
  const { host, plugin } = pair();
  const sending = host.channel.send({ t: "call", id: 2 }, { "/a": randomBytes(8_000_000) });
  const refused = assert.rejects(sending, { name: "AbortError" });
  host.channel.abort(2);
  await host.channel.send({ t: "cancel", id: 2, why: "caller left" });
  await refused;
  assert.equal((await plugin.next()).message.t, "cancel");
  await host.channel.send({ t: "call", id: 4 }, { "/a": randomBytes(2_000_000) });
  assert.equal((await plugin.next()).message.id, 4, "the window of the aborted stream came back");
});

test("a reader that stopped reading holds at most a bounded queue at the sender", async () => {
  const { host, plugin, pluginSocket, hostSocket } = pair();
  plugin.channel.pause();
  const sends = Array.from({ length: 40 }, (_, n) =>
    host.channel.send({ t: "call", id: 2 + 2 * n }, { "/a": randomBytes(300_000) }),
  );
  for (let n = 0; n < 50; n += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(hostSocket.writableLength <= 131_072 + 65_536 * 2, `${hostSocket.writableLength}`);
  assert.ok(pluginSocket.readableLength <= 1_048_576 + 100_000, `${pluginSocket.readableLength}`);
  plugin.channel.resume();
  await Promise.all(sends);
});

test("what waits behind a large message leaves after it, also where the socket was never full", async () => {
  const { host, plugin } = pair(true);
  const sent = [
    host.channel.send({ t: "result", id: 2, text: "x".repeat(200_000) }),
    host.channel.send({ t: "result", id: 4 }),
    host.channel.send({ t: "result", id: 6 }, { "/a": randomBytes(300_000) }),
    host.channel.send({ t: "result", id: 8 }, { "/a": randomBytes(300_000) }),
    host.channel.send({ t: "result", id: 10 }),
  ];
  await Promise.all(sent);
  const ids = new Set<number | undefined>();
  while (ids.size < sent.length) ids.add((await plugin.next()).message.id);
  assert.deepEqual(
    [...ids].toSorted((a, b) => Number(a) - Number(b)),
    [2, 4, 6, 8, 10],
  );
});

for (const [name, frames] of [
  ["a chunk for a stream nobody announced", [encodeFrame({ t: "chunk", stream: 1, seq: 0, size: 1 }, [new Uint8Array(1)])]],
  [
    "a chunk out of order",
    [
      encodeFrame({ t: "x", att: [{ ptr: "/a", size: 9, stream: 1 }] }),
      encodeFrame({ t: "chunk", stream: 1, seq: 1, size: 1 }, [new Uint8Array(1)]),
    ],
  ],
  [
    "more bytes than announced",
    [
      encodeFrame({ t: "x", att: [{ ptr: "/a", size: 1, stream: 1 }] }),
      encodeFrame({ t: "chunk", stream: 1, seq: 0, size: 2 }, [new Uint8Array(2)]),
    ],
  ],
  [
    "an end before all bytes came",
    [encodeFrame({ t: "x", att: [{ ptr: "/a", size: 1, stream: 1 }] }), encodeFrame({ t: "chunk.end", stream: 1, ok: true })],
  ],
  [
    "an inline attachment above 256 KiB",
    [encodeFrame({ t: "x", att: [{ ptr: "/a", size: 262_145 }] }, [new Uint8Array(262_145)])],
  ],
  ["sizes that do not add up", [encodeFrame({ t: "x", att: [{ ptr: "/a", size: 3 }] }, [new Uint8Array(4)])]],
  ["bytes behind a message without attachments", [encodeFrame({ t: "x" }, [new Uint8Array(4)])]],
  ["credit for bytes never sent", [encodeFrame({ t: "credit", id: 2, bytes: 1 })]],
  ["a stream with the reader's own parity", [encodeFrame({ t: "x", att: [{ ptr: "/a", size: 1, stream: 2 }] })]],
  ["an attachment larger than 16 MiB", [encodeFrame({ t: "x", att: [{ ptr: "/a", size: 16_777_217, stream: 1 }] })]],
  [
    "two attachments at one pointer",
    [
      encodeFrame({
        t: "x",
        att: [
          { ptr: "/a", size: 0 },
          { ptr: "/a", size: 0 },
        ],
      }),
    ],
  ],
  ["a message without type", [encodeFrame({ id: 1 })]],
] as const) {
  test(`ends the connection on ${name} (§5.3.3)`, async () => {
    const { host, pluginSocket } = pair();
    for (const part of frames.flat()) pluginSocket.write(part);
    for (let n = 0; n < 20 && host.closed === 0; n += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(host.errors.length, 1);
    assert.match(String((host.errors[0] as { reason?: string }).reason), /protocol_error/);
    assert.equal(host.closed, 1);
    await assert.rejects(host.channel.send({ t: "call", id: 2 }), { code: "plugin_gone" });
  });
}

test("holds back attachments that the other side would have to refuse (§5.3.4)", async () => {
  const { host, plugin } = pair();
  const sends = Array.from({ length: 150 }, (_, n) =>
    host.channel.send({ t: "call", id: 2 + 2 * n }, { "/a": new Uint8Array(600_000) }),
  );
  await Promise.all(sends);
  for (let n = 0; n < 150; n += 1) assert.equal((await plugin.next()).attachments.get("/a")?.byteLength, 600_000);
  assert.deepEqual(plugin.errors, []);
});

test("rejects everything that waits when the connection ends, and says so once", async () => {
  const { host, plugin } = pair();
  const sending = host.channel.send({ t: "call", id: 2 }, { "/a": randomBytes(3_000_000) });
  const behind = host.channel.send({ t: "frame.end", id: 2 });
  const refused = Promise.all([
    assert.rejects(sending, { code: "plugin_gone" }),
    assert.rejects(behind, { code: "plugin_gone" }),
  ]);
  plugin.channel.close();
  await refused;
  host.channel.close();
  assert.equal(host.closed, 1);
});
