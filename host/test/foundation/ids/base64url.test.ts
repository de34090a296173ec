import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeBase64url, encodeBase64url, HnError } from "../../../src/foundation/index.ts";
import { holds } from "../../support/property.ts";

const refuses = (text: unknown, length?: number): void =>
  assert.throws(
    () => decodeBase64url(text, length),
    (error) => HnError.isHnError(error) && error.code === "bad_request",
    String(text),
  );

describe("strict base64url (00 G-4)", () => {
  it("refuses padding, the other alphabet, white space, odd lengths and tail bits", () => {
    for (const text of ["QQ==", "+/+/", "Q Q", "QQ\n", "Q", "QR", "QQJ", "ä", null, 7, undefined]) refuses(text);
    assert.deepEqual([...decodeBase64url("QQ")], [0x41]);
    assert.deepEqual([...decodeBase64url("")], []);
  });

  it("holds to the wanted length", () => {
    refuses("QUI", 3);
    refuses("QUI", 1);
    assert.equal(decodeBase64url("QUI", 2).byteLength, 2);
  });

  it("has one text per value and one value per text (property)", () => {
    holds(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => assert.deepEqual(decodeBase64url(encodeBase64url(bytes)), bytes)),
    );
    holds(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        try {
          assert.equal(encodeBase64url(decodeBase64url(text)), text);
        } catch (error) {
          assert.ok(HnError.isHnError(error), String(error));
        }
      }),
    );
  });
});
