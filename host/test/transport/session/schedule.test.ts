import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Schedule, type Outgoing, type Room } from "../../../src/transport/session/schedule.ts";
import { holds } from "../../support/property.ts";

const item = (id: number, bytes: number, mark = 0): Outgoing => ({
  id,
  record: [Buffer.alloc(bytes, mark)],
  bytes,
  cost: bytes,
  sealed: false,
  last: false,
});
const ROOM: Room = { bytes: 65_536, single: 65_536, records: 64, affords: () => true, spend: () => undefined };

describe("the order in which records leave (network.md §1.5)", () => {
  it("puts calls and answers before stream data, but never before their own", () => {
    const schedule = new Schedule();
    schedule.push(item(1, 100), { first: false });
    schedule.push(item(3, 100), { first: true });
    schedule.push(item(1, 50), { first: true });
    assert.deepEqual(
      schedule.take(ROOM).map(({ id, cost }) => [id, cost]),
      [
        [3, 100],
        [1, 100],
        [1, 50],
      ],
    );
    assert.ok(schedule.isEmpty);
  });

  it("gives each stream the same share of bytes, however large its records are", () => {
    const schedule = new Schedule();
    for (let i = 0; i < 200; i++) schedule.push(item(1, 60_000), { first: false });
    for (let i = 0; i < 4000; i++) schedule.push(item(3, 1000), { first: false });
    const bytes = new Map<number, number>();
    for (let i = 0; i < 40; i++) for (const { id, cost } of schedule.take(ROOM)) bytes.set(id, (bytes.get(id) ?? 0) + cost);
    const [large = 0, small = 0] = [bytes.get(1), bytes.get(3)];
    assert.ok(Math.abs(large - small) <= 2 * 65_536, `${large} and ${small}`);
  });

  it("one stream without credit holds up nobody else", () => {
    const schedule = new Schedule();
    schedule.push(item(1, 500), { first: false });
    schedule.push(item(3, 500), { first: false });
    const taken = schedule.take({ ...ROOM, affords: ({ id }) => id !== 1 });
    assert.deepEqual(
      taken.map(({ id }) => id),
      [3],
    );
    assert.equal(schedule.bytesOf(1), 500);
    assert.deepEqual(
      schedule.take(ROOM).map(({ id }) => id),
      [1],
    );
  });

  it("comes to an end when all wait for credit, whoever has saved up how much", () => {
    const schedule = new Schedule();
    let credit = 1;
    const room: Room = { ...ROOM, single: 70_000, affords: () => credit > 0, spend: () => (credit -= 1) };
    for (const id of [1, 1, 3]) schedule.push(item(id, 65_548), { first: false });
    assert.deepEqual([schedule.take(room).length, schedule.take(room).length], [1, 0]);
    assert.deepEqual([credit, schedule.bytes], [0, 2 * 65_548]);
  });

  it("forgets what waits of a call, and tells whether the call itself ever left", () => {
    const schedule = new Schedule();
    schedule.push(item(1, 10), { first: true });
    schedule.push(item(3, 10), { first: false });
    assert.deepEqual([schedule.forget(1).unsaid, schedule.forget(3).unsaid], [true, false]);
    assert.deepEqual([schedule.isEmpty, schedule.bytes], [true, 0]);
  });

  it("loses nothing, doubles nothing and keeps the order within a call", () => {
    const pushes = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 12, max: 70_000 }), fc.boolean()), {
      maxLength: 60,
    });
    holds(
      fc.property(pushes, fc.nat({ max: 2_147_483_645 }), (made, seed) => {
        const schedule = new Schedule();
        for (const [n, [id, bytes, first]] of made.entries()) schedule.push(item(id, bytes, n), { first });
        let chance = seed + 1;
        const taken: Outgoing[] = [];
        for (let idle = 0; !schedule.isEmpty && idle < 1000; idle++) {
          const frame = schedule.take({
            bytes: 50_000,
            single: 100_000,
            records: 8,
            spend: () => undefined,
            affords: () => (chance = (chance * 48_271) % 2_147_483_647) % 3 !== 0,
          });
          assert.ok(frame.length <= 8 && frame.reduce((sum, { cost }) => sum + cost, 0) <= 100_000);
          taken.push(...frame);
        }
        assert.equal(taken.length, made.length);
        assert.equal(schedule.bytes, 0);
        for (const id of [1, 2, 3, 4, 5]) {
          const marks = taken.filter((out) => out.id === id).map(({ record }) => record[0]?.[0]);
          assert.deepEqual(
            marks,
            made.flatMap(([of], n) => (of === id ? [n] : [])),
          );
        }
      }),
    );
  });
});
