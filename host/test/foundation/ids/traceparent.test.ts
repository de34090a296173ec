import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hexOfTrace, readTraceparent, traceOfHex, writeTraceparent } from "../../../src/foundation/index.ts";

const SEED = Number(process.env["HN_SEED"] ?? Date.now() & 0x7fffffff);
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

test("reads the form of W3C Trace Context, and takes everything else for nothing", () => {
  const good = { traceId: TRACE, spanId: SPAN };
  const table: [string | undefined, object | undefined][] = [
    [`00-${TRACE}-${SPAN}-01`, good],
    [`00-${TRACE}-${SPAN}-00`, good],
    [`cc-${TRACE}-${SPAN}-01`, good],
    [`cc-${TRACE}-${SPAN}-01-what-the-future-holds`, good],
    [undefined, undefined],
    ["", undefined],
    [`ff-${TRACE}-${SPAN}-01`, undefined],
    [`00-${TRACE}-${SPAN}-01-more`, undefined],
    [`cc-${TRACE}-${SPAN}-01.more`, undefined],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`, undefined],
    [`00-${"0".repeat(32)}-${SPAN}-01`, undefined],
    [`00-${TRACE}-${"0".repeat(16)}-01`, undefined],
    [`00-${TRACE.slice(1)}-${SPAN}-01`, undefined],
    [`00-${TRACE}-${SPAN}-1`, undefined],
    [`0-${TRACE}-${SPAN}-01`, undefined],
    [` 00-${TRACE}-${SPAN}-01`, undefined],
    [`00-${TRACE}-${SPAN}-01\n`, undefined],
    [`00_${TRACE}_${SPAN}_01`, undefined],
  ];
  for (const [text, expected] of table) assert.deepEqual(readTraceparent(text), expected, String(text));
});

test("a ULID and 32 hex digits are the same 128 bits, there and back (property)", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      fc.pre(bytes.some((byte) => byte !== 0));
      const hex = Buffer.from(bytes).toString("hex");
      const id = traceOfHex(hex);
      assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
      assert.equal(hexOfTrace(id), hex);
      assert.deepEqual(readTraceparent(writeTraceparent({ traceId: hex, spanId: SPAN })), { traceId: hex, spanId: SPAN });
    }),
    { seed: SEED },
  );
});

test("what is no ULID has 32 digits all the same, always the same ones", () => {
  const hex = hexOfTrace("trace-of-somebody-else");
  assert.match(hex, /^[0-9a-f]{32}$/);
  assert.equal(hexOfTrace("trace-of-somebody-else"), hex);
  assert.notEqual(hexOfTrace("trace-of-somebody_else"), hex);
  assert.notEqual(hexOfTrace("0".repeat(26)), "0".repeat(32), "all zero names no trace");
});
