import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { JsonObject } from "../../src/contract/index.ts";
import { Limits } from "../../src/dht/limits.ts";
import { Desk, ask, readReply, reply, type Letters } from "../../src/dht/wire.ts";
import { createUlidFactory, ManualClock, type HnError } from "../../src/foundation/index.ts";
import { importSeed, Signer, verifyTyped } from "../../src/identity/index.ts";
import { seededRandom } from "../support/people.ts";
import { DhtVillage, type Citizen } from "./village.ts";

function person(byte: number, clock: ManualClock): Letters {
  const { nodeId, key } = importSeed(new Uint8Array(32).fill(byte));
  const signer = new Signer(nodeId, key);
  return {
    self: nodeId,
    clock,
    crypto: { sign: (kind, value) => signer.signDht(kind, value), verify: verifyTyped },
    newId: createUlidFactory(clock, seededRandom(byte)),
    endpoint: () => ({ host: "203.0.113.7", port: 7080 }),
  };
}
function street(): { clock: ManualClock; a: Letters; b: Letters; c: Letters; desk: Desk } {
  const clock = new ManualClock();
  const [a, b, c] = [person(1, clock), person(2, clock), person(3, clock)];
  return { clock, a, b, c, desk: new Desk(b) };
}
const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as HnError).code;
  }
  return "none";
};

describe("a question in the DHT (06 H-2)", () => {
  it("counts once, within two minutes, for its recipient, unaltered", () => {
    const { clock, a, b, c, desk } = street();
    const question = ask(a, b.self, { key: "k" });
    assert.equal(desk.open(structuredClone(question)).from, a.self);
    assert.equal(
      codeOf(() => desk.open(question)),
      "invalid_signature",
      "again",
    );
    const other = ask(a, b.self, { key: "k" });
    assert.equal(
      codeOf(() => desk.open({ ...other, key: "j" })),
      "invalid_signature",
      "altered",
    );
    assert.equal(
      codeOf(() => desk.open({ ...other, from: c.self })),
      "invalid_signature",
      "another's name",
    );
    assert.equal(
      codeOf(() => desk.open(ask(a, c.self, {}))),
      "invalid_signature",
      "for somebody else",
    );
    assert.equal(
      codeOf(() => desk.open({ ...other, trace_id: "1" })),
      "bad_request",
    );
    assert.equal(
      codeOf(() => desk.open([])),
      "bad_request",
    );
    clock.advance(121_000);
    assert.equal(
      codeOf(() => desk.open(other)),
      "expired",
    );
  });

  it("counts once also after those that are too old were forgotten", () => {
    const { clock, a, b, desk } = street();
    const question = ask(a, b.self, { key: "k" });
    desk.open(question);
    clock.advance(119_000);
    desk.forget();
    assert.equal(
      codeOf(() => desk.open(question)),
      "invalid_signature",
    );
  });

  it("is answered by whom it was asked, to this question, with what was asked for", () => {
    const { clock, a, b, c } = street();
    const asked = { rpc: "ping", by: b.self, traceId: "01J9Z3K8V4Q2N7M5C6B1A0XWYT" } as const;
    const answer = reply(b, asked.traceId, { pong: true });
    const read = (value: unknown, o: Partial<typeof asked> = {}): string => codeOf(() => readReply(a, value, { ...asked, ...o }));
    assert.equal(read(answer), "none");
    assert.equal(read({ ...answer, pong: false }), "invalid_signature");
    assert.equal(read(reply(c, asked.traceId, { pong: true })), "invalid_signature");
    assert.equal(read(reply(b, "01J9Z3K8V4Q2N7M5C6B1A0XWYV", { pong: true })), "invalid_signature");
    assert.equal(read(reply(b, asked.traceId, { stored: true })), "invalid_signature");
    assert.equal(read(ask(b, a.self, {})), "invalid_signature", "a question is no answer");
    clock.advance(121_000);
    assert.equal(read(answer), "invalid_signature", "an old one");
  });
});

const CID = `blake3:${"ab".repeat(32)}`;

async function three(t: TestContext): Promise<[DhtVillage, Citizen, Citizen, Citizen]> {
  const village = new DhtVillage(11);
  t.after(() => village.close());
  await village.settle(3);
  return [village, ...(village.citizens as [Citizen, Citizen, Citizen])];
}

describe("limits of those who ask (06 H-9)", () => {
  it("are forgotten only of whom all is allowed again", () => {
    const limits = new Limits();
    for (let n = 0; n < 5; n += 1) assert.equal(limits.take("somebody", "ping", 0), 0);
    limits.forget(100);
    assert.ok(limits.take("somebody", "ping", 100) > 0, "it has asked five times");
    assert.equal(limits.size, 1);
    limits.forget(1100);
    assert.equal(limits.size, 0);
  });
});

describe("a node of the DHT", () => {
  it("takes no contact from a list or from a question: only from a signed answer at that address (H-3)", async (t) => {
    const village = new DhtVillage(12);
    t.after(() => village.close());
    const [a, b] = [village.add(), village.add()];
    const ghost = village.add();
    ghost.dead = true;
    b.dead = true;
    await a.dht.join([village.contact(b), village.contact(ghost)]);
    assert.equal(a.dht.status.contacts, 0, "nobody answered");
    b.dead = false;
    await a.dht.join([village.contact(b)]);
    assert.deepEqual(
      a.dht.contacts.map(({ node_id_full }) => node_id_full),
      [b.nodeId],
    );
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      b.dht.contacts.map(({ node_id_full }) => node_id_full),
      [a.nodeId],
      "who asked was asked back",
    );
  });

  it("waits at most half a second for who is silent, and counts it against nobody else (network §3)", async (t) => {
    const village = new DhtVillage(13);
    t.after(() => village.close());
    await village.settle(40);
    const [seeker, holder] = [village.citizens[5], village.citizens[20]] as [Citizen, Citizen];
    await holder.dht.publish("cid", () => ({ cid: CID, last_seen: 1 }));
    const mute = village.citizens.filter((one) => one !== seeker && one !== holder).slice(0, 10);
    for (const one of mute) one.mute = true;
    const from = village.clock.monotonic();
    let done = false;
    const found = seeker.dht.findValues("cid", CID).finally(() => (done = true));
    for (let step = 0; step < 200 && !done; step += 1) {
      for (let at = 0; at < 20; at += 1) await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      if (!done) village.clock.advance(50);
    }
    assert.equal((await found).length, 1);
    assert.ok(village.clock.monotonic() - from <= 4000, `${village.clock.monotonic() - from} ms`);
  });

  it("that has found nothing seeks once more on four paths, from farther off: one can be led astray (network §3)", async (t) => {
    const village = new DhtVillage(15);
    t.after(() => village.close());
    await village.settle(60);
    const seeker = village.citizens[5] as Citizen;
    const before = village.questions;
    assert.deepEqual(await seeker.dht.findValues("cid", CID), []);
    const asked = village.questions - before;
    assert.ok(asked > 2 * 20, `${asked} were asked, of whom the nearest 20 by the first path`);
    assert.deepEqual(await seeker.dht.findValues("cid", CID), []);
    assert.equal(village.questions - before, asked, "and not again for a while");
  });

  it("ends every question and timer when it closes", async (t) => {
    const [, a, b, c] = await three(t);
    b.mute = true;
    c.mute = true;
    const search = a.dht.findValues("cid", CID);
    a.dht.close();
    assert.deepEqual(await search, []);
  });

  it("offers anew at a third of a value's life, and not what was withdrawn (H-4)", async (t) => {
    const [village, a, b] = await three(t);
    await a.dht.publish("cid", () => ({ cid: CID, last_seen: Math.floor(village.clock.now() / 1000) }));
    const first = a.dht.status.own[0]?.expires_at ?? 0;
    village.clock.advance(1_400_000);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    const second = a.dht.status.own[0]?.expires_at ?? 0;
    assert.ok(second > first, "renewed before its time is over");
    a.dht.withdraw("cid", CID);
    village.clock.advance(3_700_000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(await b.dht.findValues("cid", CID), []);
    assert.equal(b.dht.status.values, 0, "what is over is swept out");
  });

  it("refuses a flood: more stores than a hundred a minute, more finds than twenty a second (06 §4, H-9)", (t) => {
    const clock = new ManualClock();
    const village = new DhtVillage(14);
    t.after(() => village.close());
    const there = village.add({ config: { rates: undefined as never } });
    const here = person(5, village.clock);
    assert.ok(clock !== village.clock);
    const letters: Letters = { ...here, crypto: { sign: (kind) => `sim:${kind}:${here.self}`, verify: () => true } };
    const refusedAfter = (rpc: "store" | "find_node" | "ping", body: JsonObject): number => {
      for (let n = 0; n < 200; n += 1) {
        const code = codeOf(() => there.dht.answer(rpc, ask(letters, there.nodeId, body), "198.51.100.1"));
        if (code === "rate_limited") return n;
        assert.equal(code, "none");
      }
      return -1;
    };
    assert.deepEqual(
      [refusedAfter("store", { value: {} }), refusedAfter("find_node", { key: CID }), refusedAfter("ping", {})],
      [100, 20, 5],
    );
  });
});
