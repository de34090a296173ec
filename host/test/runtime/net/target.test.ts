import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseTarget } from "../../../src/runtime/net/target.ts";
import { covers, isEntryWithin, nameOf, parseHost, parsePattern } from "../../../src/runtime/permission/index.ts";
import { holds } from "../../support/property.ts";

const fits = (entry: string, host: string, port: number): boolean => {
  const pattern = parsePattern(entry);
  return pattern !== null && covers(pattern, { host: parseHost(host) ?? "", port });
};

test("an entry of a scope covers what it says, in the spelling that is called, and nothing beside it (§3.1)", () => {
  for (const [entry, host, port] of [
    ["api.x.org:443", "api.x.org", 443],
    ["api.x.org", "API.X.org.", 443],
    ["API.x.org:8443", "api.x.org", 8443],
    ["*.x.org:443", "a.b.x.org", 443],
    ["*:443", "anything.org", 443],
    ["*", "anything.org", 8080],
    ["192.168.1.5:80", "0xc0.0xa8.1.5", 80],
    ["[fd00::1]:80", "fd00:0::1", 80],
    ["[fd00::1]", "[fd00::1]", 443],
    ["bücher.de:443", "xn--bcher-kva.de", 443],
  ] as const)
    assert.ok(fits(entry, host, port), `${entry} covers ${host}:${port}`);
  for (const [entry, host, port] of [
    ["api.x.org:443", "api.x.org", 80],
    ["api.x.org", "api.x.org", 80],
    ["api.x.org:443", "api.x.org.evil.test", 443],
    ["api.x.org:443", "evilapi.x.org", 443],
    ["*.x.org:443", "x.org", 443],
    ["*.x.org:443", "evilx.org", 443],
    ["*.1.1.1:443", "9.1.1.1", 443],
    ["*:443", "anything.org", 80],
    ["", "", 443],
    ["a.b:0", "a.b", 0],
    ["a.b:99999", "a.b", 99_999],
    ["a.b:443/path", "a.b", 443],
    ["http://a.b:443", "a.b", 443],
    ["u@a.b:443", "a.b", 443],
    ["a*.b:443", "ax.b", 443],
    ["**", "a.b", 443],
    ["*.*:443", "a.b", 443],
    ["a.b:443:443", "a.b", 443],
  ] as const)
    assert.ok(!fits(entry, host, port), `${entry} does not cover ${host}:${port}`);
});

test("hosts are read as whoever connects reads them, or refused", () => {
  assert.equal(parseHost("0x7f.1"), "127.0.0.1");
  assert.equal(parseHost("::FFFF:127.0.0.1"), "::ffff:7f00:1");
  for (const bad of [
    "",
    " ",
    "a b",
    "a/b",
    "a?b",
    "a#b",
    "u@b",
    "a:80",
    "a\\b",
    "a%00b",
    "[::1",
    "::1]",
    "fe80::1%eth0",
    "[]",
    "a..b\u0000",
    "x".repeat(300),
    "1.2.3.256",
  ])
    assert.equal(parseHost(bad), null, bad);
  assert.throws(() => parseTarget("a.b", 0), { code: "bad_request" });
  assert.throws(() => parseTarget("a/b", 80), { code: "bad_request" });
  assert.equal(nameOf({ host: "::1", port: 80 }), "[::1]:80");
});

test("what is read once reads the same again, and an exact entry covers its own target alone", () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z0-9]$/);
  const name = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join("."));
  const port = fc.integer({ min: 1, max: 65_535 });
  holds(
    fc.property(name, port, name, port, (host, at, other, elsewhere) => {
      const read = parseHost(host);
      if (read === null) return;
      assert.equal(parseHost(read), read);
      assert.ok(fits(nameOf({ host: read, port: at }), host, at));
      assert.equal(fits(`${host}:${at}`, other, elsewhere), parseHost(other) === read && at === elsewhere);
    }),
  );
});

test("one entry of a scope lies within another exactly when it covers nothing that the other does not (§3.4.2)", () => {
  for (const [inner, outer] of [
    ["a.x.org:443", "*.x.org:443"],
    ["a.x.org", "a.x.org:443"],
    ["*.a.x.org:80", "*.x.org:80"],
    ["10.0.0.1:80", "*:80"],
    ["*.x.org:80", "*"],
    ["A.X.org:443", "a.x.org"],
  ] as const)
    assert.ok(isEntryWithin(inner, outer), `${inner} within ${outer}`);
  for (const [inner, outer] of [
    ["x.org:443", "*.x.org:443"],
    ["*.x.org:443", "a.x.org:443"],
    ["*.x.org:443", "x.org:443"],
    ["*", "*:443"],
    ["*:443", "*.x.org:443"],
    ["a.x.org:80", "*.x.org:443"],
    ["a.x.org.evil.test:443", "*.x.org:443"],
    ["ax.org:443", "*.x.org:443"],
    ["no host:443", "*"],
  ] as const)
    assert.ok(!isEntryWithin(inner, outer), `${inner} not within ${outer}`);
  const label = fc.constantFrom("a", "b", "x");
  const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join("."));
  const port = fc.constantFrom("", ":443", ":80");
  const entry = fc.oneof(
    fc.tuple(name, port).map(([host, at]) => `${host}${at}`),
    fc.tuple(name, port).map(([host, at]) => `*.${host}${at}`),
    fc.constantFrom("*", "*:443", "*:80"),
  );
  holds(
    fc.property(entry, entry, name, fc.constantFrom(443, 80), (inner, outer, host, at) => {
      if (isEntryWithin(inner, outer) && fits(inner, host, at))
        assert.ok(fits(outer, host, at), `${inner} ${outer} ${host}:${at}`);
    }),
  );
});
