import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseStrictJson } from "../../../src/foundation/index.ts";
import { canonicalBytes, canonicalText, checkSignable, roundFractions } from "../../../src/identity/index.ts";
import { holds } from "../../support/property.ts";
import { refused } from "../people.ts";

describe("canonical JSON (01 §3)", () => {
  it("writes the spec's example", () => {
    const value = parseStrictJson('{"b":[1.0,1.10,-0,true,null],"a":{"ü":"é\\u0001\\"\\\\/","Z":1e3},"n":51.5}');
    assert.equal(canonicalText(value), '{"a":{"Z":1000,"ü":"é\\u0001\\"\\\\/"},"b":[1,1.1,0,true,null],"n":51.5}');
  });

  it("sorts keys by code point, not by UTF-16 unit", () => {
    assert.equal(canonicalText({ "🔥": 1, "\uffff": 2, "\ue000": 3, z: 4, "": 5 }), '{"":5,"z":4,"\ue000":3,"\uffff":2,"🔥":1}');
    const keys = (bytes: Uint8Array): string[] => Object.keys(JSON.parse(Buffer.from(bytes).toString()) as object);
    holds(
      fc.property(fc.uniqueArray(fc.string({ unit: "binary", minLength: 1 }).map((key) => `k${key}`)), (names) => {
        const written = keys(canonicalBytes(Object.fromEntries(names.map((name) => [name, 0]))));
        assert.deepEqual(
          written,
          [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
        );
      }),
    );
  });

  it("escapes only what it must", () => {
    assert.equal(canonicalText("\u007f\u2028\u2029/ü🔥"), '"\u007f\u2028\u2029/ü🔥"');
    assert.equal(canonicalText('\b\t\n\f\r\u0000\u001f"\\'), '"\\b\\t\\n\\f\\r\\u0000\\u001f\\"\\\\"');
  });

  it("leaves out undefined members, as JSON does, and nothing else", () => {
    assert.equal(canonicalText({ a: undefined, b: null, c: 1 }), '{"b":null,"c":1}');
  });

  it("refuses what has no such form (I-4)", () => {
    const deep = JSON.parse("[".repeat(65) + "]".repeat(65)) as unknown;
    const wrong = [
      NaN,
      Infinity,
      2 ** 53,
      -(2 ** 53),
      1e300,
      "\ud800",
      { "\udc00": 1 },
      undefined,
      [undefined],
      () => 1,
      1n,
      Symbol("x"),
      deep,
    ];
    for (const value of [...wrong, new Date(0), new Uint8Array(2), new Map(), { constructor: 1 }, JSON.parse('{"__proto__":1}')])
      assert.throws(() => canonicalText(value), refused("bad_request"));
    assert.ok(canonicalText(JSON.parse("[".repeat(64) + "]".repeat(64))));
  });

  it("is the same for the value that a strict reader makes of it (property)", () => {
    const json = fc.jsonValue({ stringUnit: "binary", maxDepth: 5 });
    holds(
      fc.property(json, (value) => {
        let text: string;
        try {
          text = canonicalText(value);
        } catch {
          return;
        }
        assert.equal(canonicalText(parseStrictJson(text)), text);
        assert.equal(canonicalText(JSON.parse(JSON.stringify(value))), text);
      }),
    );
  });
});

describe("numbers in what we sign (01 I-5)", () => {
  it("takes integers and fractions of six digits from 1e-4 on", () => {
    for (const x of [0, -0, 9007199254740991, 0.0001, 0.125, 51.5075, -99999.5, 0.000123456]) checkSignable({ x: [x] });
    for (const x of [51.50735, 0.00001, 1e-7, 123456.7, 1234567.5])
      assert.throws(() => checkSignable([{ x }]), refused("bad_request"));
  });

  it("rounds so that the guard is content and the value close (property)", () => {
    holds(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 }), (x) => {
        const rounded = roundFractions({ list: [x] }).list[0] as number;
        checkSignable(rounded);
        assert.ok(Math.abs(rounded - x) <= Math.max(1e-4, Math.abs(x) * 5e-6), `${x} became ${rounded}`);
      }),
    );
  });

  it("leaves everything else as it was", () => {
    const value = { b: ["x", null, true, 9007199254740991], a: { c: 0.1 } };
    assert.equal(JSON.stringify(roundFractions(value)), JSON.stringify(value));
    assert.deepEqual(roundFractions({ load: 1 / 3, big: 1234567.891 }), { load: 0.333333, big: 1234568 });
  });
});
