/** Memory is given back where it was said to be one's own, and nowhere else. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { it, type TestContext } from "node:test";
import { FrameChannel, ownMemory, spend, type Attachments, type ChannelMessage } from "../../../src/format/frame/index.ts";
import { freePiece } from "../../../src/format/frame/own-memory.ts";
import { until } from "../../support/until.ts";

const CHUNK = 262_144;
const isGone = ({ buffer }: Uint8Array): boolean => buffer.byteLength === 0;

it("only what was said to be one's own is given back, and only when that is worth it", () => {
  const [own, others, small] = [new Uint8Array(CHUNK), new Uint8Array(CHUNK), new Uint8Array(100)];
  ownMemory(own);
  ownMemory(small);
  for (const bytes of [own, others, small, own]) spend(bytes);
  assert.deepEqual([own, others, small].map(isGone), [true, false, false]);
});

it("a piece that is a part of something is not given back", () => {
  const [whole, part] = [new Uint8Array(CHUNK), new Uint8Array(CHUNK).subarray(1)];
  freePiece(whole);
  freePiece(part);
  assert.deepEqual([isGone(whole), isGone(part)], [true, false]);
});

interface Got {
  message: ChannelMessage;
  attachments: Attachments;
}

/** Two channels on the ends of one connection. */
async function joined(t: TestContext, onMessage: (got: Got) => void): Promise<FrameChannel<ChannelMessage, ChannelMessage>> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const [[there], here] = await Promise.all([
    once(server, "connection") as Promise<[Socket]>,
    Promise.resolve(connect(port, "127.0.0.1")),
  ]);
  t.after(() => void [server.close(), there.destroy(), here.destroy()]);
  const shared = { onError: (error: Error) => assert.fail(error), ownsPieces: true };
  new FrameChannel({
    ...shared,
    socket: there,
    parity: "odd",
    onMessage: (message, attachments) => onMessage({ message, attachments }),
  });
  return new FrameChannel({ ...shared, socket: here, parity: "even", onMessage: () => {} });
}

it("what was passed on is gone from memory, and arrives as it was", async (t) => {
  const arrived: Got[] = [];
  const passedOn: Uint8Array[] = [];
  const second = await joined(t, (got) => arrived.push(got));
  const first = await joined(t, ({ message, attachments }) => {
    passedOn.push(...attachments.values());
    void second.send(message, Object.fromEntries(attachments), { spends: true });
  });
  const sent = Array.from({ length: 40 }, (_, n) => randomBytes(n % 3 === 0 ? 70_000 : CHUNK - n));
  for (const [n, bytes] of sent.entries()) await first.send({ t: "frame", id: 2 * n }, { "/data": bytes });
  await until("all have arrived", () => arrived.length === sent.length);
  for (const [n, { message, attachments }] of arrived.entries()) {
    assert.equal(message.id, 2 * n);
    assert.ok(sent[n]?.equals(attachments.get("/data") ?? new Uint8Array(0)), `frame ${n}`);
  }
  await until("the last one was written", () => passedOn.filter(isGone).length > 30);
  assert.ok(
    sent.every((bytes) => !isGone(bytes)),
    "the memory of who sent it first is their own affair",
  );
});

it("neither is given back that was not handed over, nor two that share their memory", async (t) => {
  const arrived: Got[] = [];
  const passedOn: Uint8Array[] = [];
  const second = await joined(t, (got) => arrived.push(got));
  const first = await joined(t, ({ message, attachments }) => {
    passedOn.push(...attachments.values());
    void second.send(message, Object.fromEntries(attachments), { spends: message.id === 4 });
  });
  const bytes = randomBytes(120_000);
  await first.send({ t: "frame", id: 2 }, { "/data": bytes });
  await first.send({ t: "frame", id: 4 }, { "/one": bytes, "/two": bytes });
  await until("both have arrived", () => arrived.length === 2);
  assert.deepEqual(passedOn.map(isGone), [false, false, false]);
  for (const got of arrived.flatMap(({ attachments }) => [...attachments.values()])) assert.ok(bytes.equals(got));
});
