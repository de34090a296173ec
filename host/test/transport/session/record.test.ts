import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { KIND } from "../../../src/transport/session/frame.ts";
import { encodeRecord, isControl, jsonOf, readRecords, TYPE, type RecordType } from "../../../src/transport/session/record.ts";
import { refused } from "../../identity/people.ts";
import { holds } from "../../support/property.ts";

const DATA = { kind: KIND.data, sealed: false };
const CTRL = { kind: KIND.ctrl, sealed: false };
const malformed = refused("bad_request", "frame_malformed");
const ofCalls = Object.values(TYPE).filter((type) => !isControl(type));

interface Made {
  type: RecordType;
  id: number;
  flags: number;
  body: Uint8Array;
}
const records = fc.array(
  fc.record<Made>(
    {
      type: fc.constantFrom(...ofCalls),
      id: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      flags: fc.integer({ min: 0, max: 255 }),
      body: fc.uint8Array({ maxLength: 100 }),
    },
    { noNullPrototype: true },
  ),
  { minLength: 1, maxLength: 64 },
);

describe("records of a peer session (network.md §1.4)", () => {
  it("are read as they were written", () => {
    holds(
      fc.property(records, (made) => {
        const read = readRecords(Buffer.concat(made.map(encodeRecord)), DATA);
        assert.deepEqual(
          read.map(({ type, id, flags, body }) => ({ type, id, flags, body: new Uint8Array(body) })),
          made,
        );
        assert.deepEqual(Buffer.concat(read.map(({ raw }) => raw)), Buffer.concat(made.map(encodeRecord)));
      }),
    );
  });

  it("are 64 in a frame at most, and the seal before them", () => {
    const call = encodeRecord({ type: TYPE.call, id: 1, body: "{}" });
    const seal = encodeRecord({ type: TYPE.seal, id: 0, body: "{}" });
    const frame = (calls: number): Buffer => Buffer.concat(Array<Buffer>(calls).fill(call));
    assert.equal(readRecords(frame(64), DATA).length, 64);
    assert.equal(readRecords(Buffer.concat([seal, frame(64)]), { ...DATA, sealed: true }).length, 65);
    assert.throws(() => readRecords(frame(65), DATA), malformed);
    assert.throws(() => readRecords(Buffer.concat([seal, frame(65)]), { ...DATA, sealed: true }), malformed);
  });

  it("stand where they belong, or the frame is refused", () => {
    const call = encodeRecord({ type: TYPE.call, id: 1, body: "{}" });
    const ping = encodeRecord({ type: TYPE.ping, id: 0, body: Buffer.alloc(8) });
    const seal = encodeRecord({ type: TYPE.seal, id: 0, body: "{}" });
    for (const [why, payload, header] of [
      ["empty", Buffer.alloc(0), DATA],
      ["control in data", Buffer.concat([call, ping]), DATA],
      ["data in control", Buffer.concat([ping, call]), CTRL],
      ["sealed without a seal", call, { ...DATA, sealed: true }],
      ["a seal that the header does not name", Buffer.concat([seal, call]), DATA],
      ["a seal behind", Buffer.concat([call, seal]), { ...DATA, sealed: true }],
      ["two seals", Buffer.concat([seal, seal, call]), { ...DATA, sealed: true }],
      ["a seal without data", seal, { ...DATA, sealed: true }],
      ["sealed control", ping, { ...CTRL, sealed: true }],
      ["a call without id", encodeRecord({ type: TYPE.call, id: 0, body: "{}" }), DATA],
      ["a ping with id", encodeRecord({ type: TYPE.ping, id: 3, body: "" }), CTRL],
      ["an unknown type", encodeRecord({ type: 0x07 as RecordType, id: 1, body: "" }), DATA],
      ["65 records", Buffer.concat(Array.from({ length: 65 }, () => call)), DATA],
      ["a cut record", call.subarray(0, -1), DATA],
      ["a cut header", Buffer.concat([call, call.subarray(0, 5)]), DATA],
      ["reserved bits", Buffer.concat([call.subarray(0, 2), Buffer.of(1), call.subarray(3)]), DATA],
    ] as const)
      assert.throws(() => readRecords(payload, header), malformed, why);
    assert.equal(readRecords(Buffer.concat([seal, call]), { ...DATA, sealed: true }).length, 2);
    assert.equal(readRecords(Buffer.concat([ping, seal]), CTRL).length, 2);
  });

  it("hold strict JSON objects where they hold JSON", () => {
    assert.deepEqual({ ...jsonOf(Buffer.from('{"a":1}')) }, { a: 1 });
    for (const text of ["", "[]", "null", '{"a":1,"a":2}', '{"a":1', '{"a":9007199254740993}'])
      assert.throws(() => jsonOf(Buffer.from(text)), malformed, text);
  });
});
