import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { cleanMime, cleanName } from "../src/display-name.ts";

const NAMES: [string, string | undefined][] = [
  ["leaflet.pdf", "leaflet.pdf"],
  ["Stra\u0073\u0308e.txt", "Stras\u0308e.txt"],
  ["u\u0308ber.txt", "über.txt"],
  ["../../etc/passwd", "etcpasswd"],
  ["..\\..\\windows", "windows"],
  [".\u200b./x", "x"],
  [".../...", "."],
  ["photo\u202egpj.exe", "photogpj.exe"],
  ["a\u0000b\nc\u007f.txt", "abc.txt"],
  ["\ud800half.txt", "half.txt"],
  ["  spaces  ", "spaces"],
  ["\u2066isolate\u2069", "isolate"],
  ["/", undefined],
  ["..", undefined],
  ["", undefined],
];

for (const [sent, shown] of NAMES)
  test(`the name ${JSON.stringify(sent)} is shown as ${JSON.stringify(shown)}`, () => {
    assert.equal(cleanName(sent), shown === "." ? undefined : shown);
  });

test("whatever is sent, what is shown is short, in one form, and says nothing of a path (30 §4.8)", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 600 }), (sent) => {
      const name = cleanName(sent);
      if (name === undefined) return;
      assert.ok([...name].length <= 255 && name !== "");
      assert.doesNotMatch(name, /[/\\\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]|\.\./u);
      assert.equal(name, name.normalize("NFC"));
      assert.equal(cleanName(name), name, "once is enough");
    }),
    { numRuns: 500 },
  );
});

test("a type is two words, or none", () => {
  assert.equal(cleanMime("Image/PNG"), "image/png");
  assert.equal(cleanMime("text/html; charset=utf-8"), "text/html");
  for (const bad of ["png", "a/b/c", "a /b", "\u0000/x", "", `a/${"b".repeat(99)}`]) assert.equal(cleanMime(bad), undefined, bad);
});
