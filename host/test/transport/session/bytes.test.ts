import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { DispatchedCall, Frame, JsonObject } from "../../../src/contract/index.ts";
import { ownMemory } from "../../../src/format/index.ts";
import { SessionFault } from "../../../src/transport/session/fault.ts";
import { part, readAttached } from "../../../src/transport/session/attached.ts";
import { KIND } from "../../../src/transport/session/frame.ts";
import { StreamSum } from "../../../src/transport/session/pieces.ts";
import { encodeRecord, FOLLOWS, jsonOf, TYPE } from "../../../src/transport/session/record.ts";
import { tick } from "../../bus/make.ts";
import { until } from "../../support/until.ts";
import { PATIENT, shareStreet } from "../support/shared-street.ts";
import type { House, Street } from "../support/street.ts";
import { Hand } from "./hand.ts";

const FEATURES = { features: ["req-to", "resp-sig", "peer-session"] };
const ANY = { type: "object" } as const;
const CHUNK = 262_144;

const bytesOf = (size: number, fill: number): Uint8Array => new Uint8Array(Buffer.alloc(size, fill));
/** Bytes where a JSON value is written down, as they stand in calls inside a node. */
const inJson = (bytes: Uint8Array): never => bytes as never;
const neighbours = (street: Street): Promise<[House, House]> =>
  street.neighbours({ anna: { ...PATIENT.anna, ...FEATURES }, ben: FEATURES });

/** A mirror and sources of pieces; `seen`: what the mirror was given, `count.pulled`: pieces so far, `handed`: what one of them gives. */
function offerBytes(house: House): { seen: unknown[]; count: { pulled: number }; handed: Uint8Array[] } {
  const seen: unknown[] = [];
  const handed: Uint8Array[] = [];
  const count = { pulled: 0 };
  async function* chunks({ body }: DispatchedCall): AsyncGenerator<Frame, JsonObject, void> {
    for (let n = 0; n < Number(body.input["count"]); n++) {
      count.pulled += 1;
      yield { event: "data", data: { n, bytes: inJson(bytesOf(Number(body.input["size"] ?? CHUNK), n)) } };
      await tick();
    }
    return { whole: true };
  }
  house.offer(
    { name: "ext.demo.mirror" },
    ({ body: { input } }) => {
      seen.push(input["blob"], input["note"]);
      return Promise.resolve({ output: { blob: input["blob"] ?? null, note: "kept" }, meta: {} });
    },
    { binary: ["/input/blob", "/output/blob"] },
  );
  house.offer({ name: "ext.demo.chunks", stream_schema: ANY, max_concurrent: 8 }, chunks, { binary: ["/data/bytes"] });
  house.offer(
    { name: "ext.demo.handed", stream_schema: ANY },
    async function* () {
      for (const bytes of handed) yield { event: "data", data: { bytes: inJson(bytes) } };
      await tick();
      return {};
    },
    { binary: ["/data/bytes"] },
  );
  return { seen, count, handed };
}

describe("bytes on a peer session (network.md §1.4 BYTES)", async () => {
  const { street, anna, ben } = await shareStreet(neighbours);
  const { seen, count, handed } = offerBytes(anna);
  await street.meet(ben, anna);

  it("reach the handler and the caller as bytes, in one piece and in many, under a seal and without", async () => {
    for (const size of [0, 1, 4096, 65_536, 65_537, 700_000]) {
      const blob = inJson(bytesOf(size, 9));
      const body = { params: {}, input: { blob } };
      const { output } = await ben.bus.call(ben.ask({ capability: "ext.demo.mirror", body }));
      assert.deepEqual(new Uint8Array(seen.at(-2) as Uint8Array), bytesOf(size, 9), `${size} bytes at the handler`);
      assert.ok((output["blob"] as unknown) instanceof Uint8Array, "not text");
      assert.deepEqual(new Uint8Array(output["blob"] as never), bytesOf(size, 9), `${size} bytes at the caller`);
      assert.equal(output["note"], "kept");
    }
  });

  it("of a stream give their memory back when they have left, where it was theirs alone", async () => {
    const said = Array.from({ length: 4 }, (_, n) => bytesOf(CHUNK - n, n));
    for (const bytes of said.slice(2)) ownMemory(bytes);
    handed.push(...said);
    const heard: Uint8Array[] = [];
    for await (const { data } of ben.bus.stream(ben.ask({ capability: "ext.demo.handed" })))
      heard.push(new Uint8Array(data["bytes"] as never));
    assert.deepEqual(
      said.map(({ buffer }) => buffer.byteLength),
      [CHUNK, CHUNK - 1, 0, 0],
    );
    for (const [n, bytes] of heard.entries()) assert.deepEqual(bytes, bytesOf(CHUNK - n, n));
  });

  it("are text where the capability takes none, as on every other lane", async () => {
    const note = inJson(Buffer.from("hello"));
    await ben.bus.call(ben.ask({ capability: "ext.demo.mirror", body: { params: {}, input: { blob: "AQID", note } } }));
    assert.deepEqual([Buffer.from(seen.at(-2) as Uint8Array).toString("hex"), seen.at(-1)], ["010203", "aGVsbG8"]);
  });

  it("stop at a reader that takes nothing, hold up no other stream, and go on when it reads", async () => {
    count.pulled = 0;
    const body = { params: {}, input: { count: 64 } };
    const slow = ben.bus.stream(ben.ask({ capability: "ext.demo.chunks", body }));
    assert.equal((await slow.next()).done, false);
    const session = ben.link.sessions.live(anna.nodeId);
    const there = anna.link.sessions.live(ben.nodeId);
    let [last, times] = [-1, 0];
    await until("the provider has stood still for a while", () => {
      times = last === count.pulled ? times + 1 : 0;
      last = count.pulled;
      return times > 8;
    });
    assert.ok(count.pulled <= 6, `${count.pulled} of 64 pieces were made for a reader that has taken one`);
    const waits = (session?.heldBytes ?? 0) + (there?.heldBytes ?? 0);
    assert.ok(waits <= 3 * CHUNK, `${waits} bytes wait`);
    const stalledAt = count.pulled;
    let others = 0;
    const fast = ben.bus.stream(ben.ask({ capability: "ext.demo.chunks", body: { params: {}, input: { count: 30 } } }));
    for await (const { data } of fast) others += (data["bytes"] as unknown as Uint8Array).byteLength;
    assert.equal(others, 30 * CHUNK, "another stream passes meanwhile");
    assert.equal(count.pulled - 30, stalledAt, "and the first has not moved");
    let n = 1;
    for await (const { data } of slow) {
      assert.deepEqual([data["n"], (data["bytes"] as unknown as Uint8Array)[CHUNK - 1]], [n, n]);
      n += 1;
    }
    assert.equal(n, 64);
    assert.equal(session?.heldBytes, 0);
  });
});

describe("bytes as another end says and hears them", async () => {
  const { street, anna, ben } = await shareStreet(neighbours);
  offerBytes(anna);

  it("go over the wire as they are, and to a node that cannot take them as base64url", async (t) => {
    const raw = await meet(t, {});
    raw.data(raw.call({ cap: "ext.demo.chunks", st: true, body: { params: {}, input: { count: 1, size: 70_000 } } }, 1));
    const { value } = await raw.next(TYPE.event, 1);
    assert.deepEqual({ ...value }, { event: "data", att: [["/bytes", 70_000]] });
    await raw.next(TYPE.end, 1);
    const pieces = raw.heard.filter(({ type }) => type === TYPE.bytes);
    assert.deepEqual(
      pieces.map(({ body, flags }) => [body.byteLength, flags]),
      [
        [20, 0],
        [65_536, 0],
        [4464, FOLLOWS],
      ],
    );
    assert.deepEqual({ ...jsonOf(pieces[0]?.body ?? Buffer.alloc(0)) }, { n: 0, bytes: null });
    raw.webSocket.terminate();
    await until("the session is over", () => anna.link.sessions.live(ben.nodeId) === undefined);
    const older = await meet(t, { features: ["seal"] });
    older.data(older.call({ cap: "ext.demo.chunks", st: true, body: { params: {}, input: { count: 1, size: 3 } } }, 1));
    const old = await older.next(TYPE.event, 1);
    assert.equal(JSON.stringify(old.value), `{"event":"data","data":{"n":0,"bytes":"AAAA"}}`);
  });

  it("in a list that is not what follows it are 4400", async (t) => {
    const body = JSON.stringify({ params: {}, input: { blob: null, word: "x" } });
    const broken: [string, unknown, Partial<{ features: string[] }>?][] = [
      ["more than came", [["/input/blob", 9]]],
      ["a place that holds something", [["/input/word", 4]]],
      ["no place at all", [["/input/none/deep", 4]]],
      [
        "one place twice",
        [
          ["/input/blob", 2],
          ["/input/blob", 2],
        ],
      ],
      ["half a byte", [["/input/blob", 3.5]]],
      ["fewer than none", [["/input/blob", -1]]],
      ["no pointer", [["blob", 4]]],
      ["no pairs", ["/input/blob"]],
      ["none", []],
      ["too many", Array.from({ length: 33 }, (_, i) => [`/input/${i}`, 0])],
      ["not agreed on", [["/input/blob", 4]], { features: ["seal"] }],
    ];
    for (const [what, att, change] of broken) {
      const hand = await meet(t, change ?? {});
      const head = { cap: "ext.demo.mirror", ver: "1.0", rid: `BROKEN-${what.length}-0001`, att };
      const pieces = [Buffer.from(body), Buffer.alloc(4, 1)].map((piece) =>
        encodeRecord({ type: TYPE.bytes, id: 1, body: piece }),
      );
      const sum = new StreamSum();
      for (const piece of pieces) sum.add([piece], piece.byteLength - 12);
      const end = encodeRecord({ type: TYPE.end, id: 1, body: JSON.stringify({ ...sum.end(), terminal: null }) });
      hand.say(KIND.data, [encodeRecord({ type: TYPE.call, id: 1, flags: FOLLOWS, body: JSON.stringify(head) }), ...pieces, end]);
      assert.equal(await hand.closed, 4400, what);
    }
  });

  async function meet(t: TestContext, change: { features?: string[] }): Promise<Hand> {
    street.clock.advance(1000);
    const hand = await Hand.shake(anna, ben.signer, change);
    t.after(() => hand.webSocket.terminate());
    return hand;
  }
});

describe("what goes beside a value", () => {
  it("is listed in the order in which it follows, and a value without bytes has no list", () => {
    assert.deepEqual(part({ a: 1, b: { c: "x" } }), { json: { a: 1, b: { c: "x" } }, bytes: [] });
    const value = { a: inJson(bytesOf(2, 1)), b: { "c/d": inJson(bytesOf(3, 2)) } };
    const { json, att, bytes } = part(value);
    assert.deepEqual(json, { a: null, b: { "c/d": null } });
    assert.deepEqual(att, [
      ["/a", 2],
      ["/b/c~1d", 3],
    ]);
    assert.deepEqual(
      bytes.map((one) => one.byteLength),
      [2, 3],
    );
    assert.deepEqual(readAttached(JSON.parse(JSON.stringify(att)) as never, true), att);
    assert.throws(() => readAttached([["/a", 2]], false), SessionFault);
  });
});
