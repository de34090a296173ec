import assert from "node:assert/strict";
import { it } from "node:test";
import { bytesIn, bytesOf } from "../src/bytes.ts";

it("bytes in an answer are the same however they came (00 §3)", () => {
  for (const data of [new Uint8Array(0), new Uint8Array([255]), new Uint8Array([251, 240]), new Uint8Array([1, 2, 3, 250])])
    for (const came of [data, bytesOf(data), Buffer.from(data).toString("base64url")])
      assert.deepEqual(new Uint8Array(bytesIn(came) ?? [7]), data);
});

it("what is neither bytes nor the one text for them is nothing (00 G-4)", () => {
  // A padded text, one in the other alphabet, one with bits that stand for nothing, one with a space, one that is too short.
  for (const other of ["_w==", "//", "_x", "AQ ID", "A", 5, null, undefined, {}, [1, 2]]) assert.equal(bytesIn(other), undefined);
});
