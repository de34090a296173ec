/** Files that go from house to house, past liars, cut lines and broken disks. @source 30 §5, §11 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { HnError } from "@hearthnet/sdk-plugin";
import { CHUNK_BYTES } from "../../src/cid/manifest.ts";
import { corruptAfter, Street, type House } from "../support/street.ts";
import { bytesOf, flipBit } from "../support/test-store.ts";

const CHUNKS = 16;
const BYTES = bytesOf(CHUNKS * CHUNK_BYTES - 5, 7);
const FAILED = { code: "partition", reason: "fetch_failed" };

async function street(t: TestContext, houses: number): Promise<Street> {
  const opened = await Street.open(houses);
  t.after(() => opened.close());
  return opened;
}

async function give(houses: House[], bytes: Uint8Array = BYTES): Promise<string> {
  let cid = "";
  for (const { test } of houses) cid = (await test.put(bytes)).cid;
  return cid;
}

/** Says nothing until the caller has left. */
function forever(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const leave = (): void => reject(signal.reason as Error);
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
  });
}

const sentBy = (houses: readonly House[]): number => houses.reduce((sum, { sent }) => sum + sent, 0);

it("the description is sent once, however many requests follow; whoever cannot leave it out is asked as before", async (t) => {
  const s = await street(t, 3);
  const [a, b, c] = s.houses as [House, House, House];
  const long = bytesOf(70 * CHUNK_BYTES, 9);
  const cid = await give([a], long);
  const events: string[] = [];
  a.answer = async function* (_, honest) {
    for await (const one of honest()) {
      events.push(one.event);
      yield one;
    }
    return {};
  };
  await s.fetch(b, cid, [a]);
  assert.deepEqual(await b.test.bytesOf(cid), Buffer.from(long));
  assert.ok(a.asked > 2, "one request for the description, and more than one for what it describes");
  assert.equal(events.filter((event) => event === "manifest").length, 1);

  a.answer = async function* ({ describe }, honest) {
    if (describe !== undefined) throw new HnError("schema_mismatch");
    return yield* honest();
  };
  await s.fetch(c, cid, [a]);
  assert.deepEqual(await c.test.bytesOf(cid), Buffer.from(long));
});

it("what a neighbour who is reached by HTTP sends comes as text, and counts as what it is", async (t) => {
  const s = await street(t, 2);
  const [a, b] = s.houses as [House, House];
  const cid = await give([a]);
  a.answer = async function* (_, honest) {
    const frames = honest();
    for (let step = await frames.next(); ; step = await frames.next()) {
      if (step.done === true) return step.value;
      const { event, data } = step.value;
      const { data_b64: bytes } = data as { data_b64?: unknown };
      yield bytes instanceof Uint8Array
        ? { event, data: { ...data, data_b64: Buffer.from(bytes).toString("base64url") } }
        : step.value;
    }
  };
  await s.fetch(b, cid, [a]);
  assert.deepEqual(await b.test.bytesOf(cid), Buffer.from(BYTES));
  assert.deepEqual(b.warned, []);
});

it("comes whole from three sources of which one sends something else, and that one is asked last from then on", async (t) => {
  const s = await street(t, 4);
  const [a, b, c, d] = s.houses as [House, House, House, House];
  const cid = await give([a, b, c]);
  b.answer = corruptAfter(1);
  const { sources, size_bytes, frames } = await s.fetch(d, cid, [a, b, c]);
  assert.deepEqual(await d.test.bytesOf(cid), Buffer.from(BYTES));
  assert.equal(size_bytes, BYTES.byteLength);
  assert.deepEqual(sources.toSorted(), [a.id, b.id, c.id], "what was right of the liar was taken");
  assert.equal(sentBy(s.houses), CHUNKS + 1, "every chunk once, and one that was wrong");
  assert.equal(b.asked, 1);
  assert.equal(d.warned.length, 1);
  assert.deepEqual(frames.at(-1), { event: "progress", data: { current: CHUNKS, total: CHUNKS, stage: "fetch" } });
  const counts = frames.map(({ data }) => data["current"] as number);
  assert.deepEqual(
    counts,
    counts.toSorted((x, y) => x - y),
  );

  b.answer = null;
  const next = await give([a, b], bytesOf(2 * CHUNK_BYTES, 8));
  b.asked = 0;
  await s.fetch(d, next, [b, a]);
  assert.equal(a.asked > 0 && b.asked <= 1, true, "the description is asked of the other one first");
});

it("goes on where it stopped when the source is cut off half-way, and nothing is sent twice", async (t) => {
  const s = await street(t, 2);
  const [a, b] = s.houses as [House, House];
  const cid = await give([a]);
  a.answer = async function* (_input, honest) {
    for await (const one of honest()) {
      if (one.event === "chunk" && a.sent >= 6) a.isUp = false;
      yield one;
    }
    return {};
  };
  await assert.rejects(s.fetch(b, cid, [a]), FAILED);
  const came = CHUNKS - b.test.store.missing(cid).length;
  assert.ok(came > 0 && came < CHUNKS, `${came} came`);
  a.answer = null;
  a.isUp = true;
  a.sent = 0;
  const { frames } = await s.fetch(b, cid, [a]);
  assert.equal(a.sent, CHUNKS - came);
  assert.equal(frames[0]?.data["current"], came);
  assert.deepEqual(await b.test.bytesOf(cid), Buffer.from(BYTES));
});

it("a source that comes back in time is not even noticed", async (t) => {
  const s = await street(t, 2);
  const [a, b] = s.houses as [House, House];
  const cid = await give([a]);
  let cuts = 0;
  a.answer = async function* (_input, honest) {
    for await (const one of honest()) {
      if (one.event === "chunk" && a.sent === 5 && cuts++ < 2) throw new Error("the line is cut");
      yield one;
    }
    return {};
  };
  await s.fetch(b, cid, [a]);
  assert.equal(a.sent, CHUNKS);
});

it("a bit that flipped on the source's disk costs a chunk, which another has", async (t) => {
  const s = await street(t, 3);
  const [a, b, c] = s.houses as [House, House, House];
  const cid = await give([a, b]);
  const manifest = await a.test.store.manifest(cid, "own");
  const hex = manifest?.chunks[3]?.cid.slice("blake3:".length) ?? "";
  flipBit(join(a.test.dir, hex.slice(0, 2), `${hex.slice(2)}.bin`), 100);
  await s.fetch(c, cid, [a, b]);
  assert.deepEqual(await c.test.bytesOf(cid), Buffer.from(BYTES));
  assert.equal(a.test.damaged.length, 1);
  assert.ok(readdirSync(a.test.dir, { recursive: true, encoding: "utf8" }).some((name) => /quarantine\/.+/.test(name)));
  assert.deepEqual(c.warned, [], "who has a broken disk is no liar");
  // And the source heals itself from whom it gave to.
  await s.fetch(a, cid, [c]);
  assert.deepEqual(await a.test.bytesOf(cid), Buffer.from(BYTES));
  assert.equal(c.sent, 1);
});

it("whoever leaves ends every request, and what came stays", async (t) => {
  const s = await street(t, 3);
  const [a, b, c] = s.houses as [House, House, House];
  const cid = await give([a, b]);
  const going = c.fetching.fetch({ cid, sources: [a.id, b.id], priority: "normal", signal: new AbortController().signal });
  await going.next();
  await going.next();
  assert.ok(a.open + b.open > 0);
  await going.return({} as never);
  assert.equal(a.open + b.open, 0);
  const stop = new AbortController();
  a.answer = b.answer = async function* (input, honest, signal) {
    if (input.chunks?.length === 0) return yield* honest();
    stop.abort(new DOMException("The caller has left.", "AbortError"));
    return forever(signal);
  };
  await assert.rejects(s.fetch(c, cid, [a, b], stop.signal), { name: "AbortError" });
  assert.equal(a.open + b.open, 0);
  a.answer = b.answer = null;
  await s.fetch(c, cid, [a, b]);
  assert.ok(a.sent + b.sent <= CHUNKS + 8, "at most what was under way was sent again");
});

it("a source that falls silent, sends what nobody asked for or never stops describing holds nothing up", async (t) => {
  const s = await street(t, 5);
  const [a, b, c, d, e] = s.houses as [House, House, House, House, House];
  const cid = await give([a, b, c, d]);
  const silent = Promise.withResolvers<void>();
  b.answer = async function* (input, honest, signal) {
    if (input.chunks?.length === 0) return yield* honest();
    silent.resolve();
    return forever(signal);
  };
  c.answer = async function* (_input, honest) {
    for await (const one of honest()) {
      yield one;
      if (one.event === "chunk") yield one;
    }
    return {};
  };
  d.answer = async function* (_input, honest) {
    const { value } = await honest().next();
    for (;;) yield value as never;
  };
  const fetched = s.fetch(e, cid, [a, b, c, d]);
  await silent.promise;
  const ended = fetched.then(() => true);
  while (!(await Promise.race([ended, turn(false)]))) if (b.open > 0 && a.open + c.open + d.open === 0) s.clock.advance(30_000);
  await fetched;
  assert.deepEqual(await e.test.bytesOf(cid), Buffer.from(BYTES));
  assert.equal(b.open + c.open + d.open, 0);
  assert.equal(e.warned.length, 2, "the one that is silent is no liar");
});

it("finds a file by who told it, by the log, and by asking around; else says that nobody has it", async (t) => {
  const s = await street(t, 4);
  const [a, b, c, d] = s.houses as [House, House, House, House];
  const cid = await give([a, b]);
  await assert.rejects(s.fetch(d, `blake3:${"0".repeat(64)}`), FAILED);
  await s.fetch(c, cid);
  assert.equal(sentBy([a, b]), CHUNKS, "asked around");
  for (const house of [a, b, c]) house.asked = 0;
  assert.equal(d.fetching.advertised(b.id, [cid, cid]), 1);
  await s.fetch(d, cid);
  assert.deepEqual([a.asked > 0, b.asked > 0, c.asked > 0], [false, true, false], "told directly");
  await d.test.store.remove(cid);
  s.clock.advance(8 * 24 * 3_600_000);
  for (const house of [a, b, c]) house.asked = 0;
  await c.replicating.announce(cid);
  s.settle();
  await s.fetch(d, cid);
  assert.deepEqual([a.asked > 0, b.asked > 0, c.asked > 0], [false, false, true], "an old advert is none; the log says who");
});

it("private files are given to nobody, and what is fetched is told: pinned to all, else to those who have it", async (t) => {
  const s = await street(t, 3);
  const [a, b, c] = s.houses as [House, House, House];
  const { cid: own } = await a.test.put(BYTES, { visibility: "private" });
  await assert.rejects(s.fetch(b, own, [a]), FAILED);
  assert.equal(await a.replicating.announce(own), undefined);
  const cid = await give([a], bytesOf(CHUNK_BYTES, 9));
  await s.fetch(b, cid, [a]);
  assert.equal(s.log.length, 0);
  b.asked = 0;
  await a.test.store.remove(cid);
  await s.fetch(a, cid);
  assert.ok(b.asked > 0, "a was told that b has it");
  assert.equal(b.sent, 1);
  // Begun here and pinned: everybody hears of it.
  const begun = await a.test.store.manifest(cid, "own");
  assert.ok(begun);
  (await c.test.store.receive(begun, { visibility: "community", origin: "fetched", pin: true })).close();
  await s.fetch(c, cid, [a]);
  const [event] = s.events("file.cid.advertised");
  assert.deepEqual(event?.data, { cid, size_bytes: CHUNK_BYTES, sizes_bytes: CHUNK_BYTES });
  assert.equal(s.log.length, 1);
  await c.test.store.remove(cid);
  await turn();
  assert.deepEqual(
    s.events("file.cid.unpinned").map(({ author, data }) => ({ author, data })),
    [{ author: c.id, data: { cid } }],
  );
});

it("says no more than two hundred times a day in the log what is here", async (t) => {
  const s = await street(t, 1);
  const a = s.house(0);
  const write = a.test.db.prepare("INSERT INTO fetch_announced(client_id, cid, event_id, at) VALUES(?, ?, ?, ?)");
  for (let n = 0; n < 198; n += 1) write.run(`said ${n}`, `blake3:${n}`, `event ${n}`, s.clock.at - 1);
  const cids: string[] = [];
  for (let n = 0; n < 4; n += 1) cids.push((await a.test.put(bytesOf(9, n))).cid);
  for (const cid of cids) await a.replicating.announce(cid);
  assert.equal(s.log.length, 2);
  assert.equal(await a.replicating.announce(cids[0] ?? ""), s.log[0]?.event_id, "once is enough");
  s.clock.advance(24 * 3_600_000 + 1);
  for (const cid of cids) await a.replicating.announce(cid);
  assert.equal(s.log.length, 4);
});

it("of equal chunks one is asked for, and two who want the same file fetch it once", async (t) => {
  const s = await street(t, 2);
  const [a, b] = s.houses as [House, House];
  const cid = await give([a], new Uint8Array(9 * CHUNK_BYTES));
  const both = await Promise.all([s.fetch(b, cid, [a]), s.fetch(b, cid, [a])]);
  assert.equal(a.sent, 1);
  assert.deepEqual(
    both.map(({ sources }) => sources),
    [[a.id], []],
  );
  assert.deepEqual(await b.test.bytesOf(cid), Buffer.alloc(9 * CHUNK_BYTES));
});
