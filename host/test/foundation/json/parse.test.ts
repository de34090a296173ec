import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HnError, parseStrictJson } from "../../../src/foundation/index.ts";
import { holds } from "../../support/property.ts";

function refusal(source: string | Uint8Array, limits = {}): HnError {
  try {
    parseStrictJson(source, limits);
  } catch (error) {
    assert.ok(HnError.isHnError(error), String(error));
    assert.equal(error.code, "bad_request");
    return error;
  }
  return assert.fail(`accepted ${String(source)}`);
}
const reasonOf = (source: string | Uint8Array, limits = {}): string | undefined => refusal(source, limits).reason;

describe("strict JSON (01 I-4)", () => {
  it("reads every kind of value", () => {
    const text = ' {"a":[1,-0.5,1e3,true,false,null,"ü🔥\\n\\u00e9\\ud83d\\udd25\\/"],"":{}} ';
    assert.equal(JSON.stringify(parseStrictJson(text)), '{"a":[1,-0.5,1000,true,false,null,"ü🔥\\né🔥/"],"":{}}');
    assert.equal(parseStrictJson(Buffer.from("7")), 7);
  });

  it("gives objects that inherit nothing, and through which nothing can be smuggled into others", () => {
    const value = parseStrictJson('{"toString":1,"o":{}}') as Record<string, Record<string, unknown>>;
    for (const object of [value, value["o"] ?? {}]) {
      for (const name of ["hasOwnProperty", "constructor", "__proto__", "valueOf"]) assert.equal(name in object, false, name);
      const prototype = Object.getPrototypeOf(object) as object;
      assert.deepEqual(
        [Reflect.ownKeys(prototype), Object.getPrototypeOf(prototype), Object.isFrozen(prototype)],
        [[], null, true],
      );
    }
    assert.equal("toString" in (value["o"] ?? {}), false);
  });

  it("refuses the same key twice, also when spelt with an escape", () => {
    assert.equal(reasonOf('{"a":1,"a":1}'), "json_duplicate_key");
    assert.equal(reasonOf('{"a":1,"\\u0061":1}'), "json_duplicate_key");
  });

  it("refuses keys that reach into prototypes", () => {
    for (const key of ["__proto__", "constructor", "\\u005f_proto__"])
      assert.equal(reasonOf(`[{"${key}":1}]`), "json_forbidden_key");
  });

  it("refuses numbers that lose digits, and only those", () => {
    for (const text of ["9007199254740993", "-9007199254740992", "1e400", "-1e999", "9007199254740993.0", "1e16"])
      assert.equal(reasonOf(text), "json_unsafe_number", text);
    assert.equal(parseStrictJson("9007199254740991"), 9007199254740991);
    assert.equal(parseStrictJson("1e-400"), 0);
  });

  it("refuses half characters, however they are written", () => {
    for (const text of ['"\\ud800"', '"\\udc00"', '"\\ud83dx"', '{"\\udc00\\ud800":1}', '"\ud800"'])
      assert.equal(reasonOf(text), "json_invalid", JSON.stringify(text));
  });

  it("refuses what is not UTF-8, and a byte order mark", () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0x80, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0xef, 0xbb, 0xbf, 0x31],
    ])
      assert.equal(reasonOf(Uint8Array.from(bytes)), "json_invalid");
  });

  it("allows 64 levels and no more", () => {
    assert.ok(parseStrictJson("[".repeat(64) + "]".repeat(64)));
    assert.equal(reasonOf("[".repeat(65) + "]".repeat(65)), "json_too_deep");
    assert.equal(reasonOf('{"a":'.repeat(100_000)), "json_too_deep");
    assert.equal(reasonOf("[[1]]", { maxDepth: 1 }), "json_too_deep");
  });

  it("counts the size in bytes", () => {
    assert.equal(parseStrictJson('"ü"', { maxBytes: 4 }), "ü");
    assert.equal(reasonOf('"ü"', { maxBytes: 3 }), "too_large");
    assert.equal(reasonOf(Buffer.from('"ü"'), { maxBytes: 3 }), "too_large");
  });

  it("refuses everything beside the grammar", () => {
    const wrong = [
      "",
      " ",
      "01",
      "+1",
      ".5",
      "1.",
      "-",
      "1e",
      "NaN",
      "Infinity",
      "nul",
      "truee",
      "'a'",
      '"a',
      '"\\x"',
      '"\\u12g4"',
      '"\t"',
    ];
    for (const text of [
      ...wrong,
      "[1,]",
      "[,1]",
      "{,}",
      '{"a"}',
      '{"a":1,}',
      "{a:1}",
      "1 2",
      "[1]]",
      "//",
      "\u00a01",
      "undefined",
    ])
      assert.equal(reasonOf(text), "json_invalid", text);
  });

  it("says at which byte it noticed, for every reason", () => {
    assert.match(refusal('{"ü":tru}').message, /at byte 6\)/);
    assert.match(refusal('{"a":1,"a":2}').message, /names the same key twice \(at byte 10\)/);
    assert.match(refusal("[9007199254740993]").message, /at byte 1\)/);
  });

  it("reads keys right where this V8's JSON.parse may not (nodejs/node#63785)", () => {
    const poison = '{"h":"","k\\\\":0}';
    const canary = '{"h":"","k\\n":0}';
    JSON.parse(poison);
    parseStrictJson(poison);
    assert.deepEqual(Object.keys(parseStrictJson(canary) as object), ["h", "k\n"]);
  });

  it("reads back whatever JSON.stringify writes (property)", () => {
    const value = fc.jsonValue({ maxDepth: 6, stringUnit: "binary" });
    const isSafe = (v: unknown): boolean =>
      typeof v === "number"
        ? !Number.isInteger(v) || Number.isSafeInteger(v)
        : typeof v !== "object" || v === null
          ? true
          : Object.entries(v).every(([key, item]) => key !== "__proto__" && key !== "constructor" && isSafe(item));
    holds(
      fc.property(value.filter(isSafe), (v) => {
        const text = JSON.stringify(v);
        assert.equal(JSON.stringify(parseStrictJson(text)), text);
        assert.equal(JSON.stringify(parseStrictJson(Buffer.from(text))), text);
      }),
    );
  });
});
