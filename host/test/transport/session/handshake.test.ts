import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HnError } from "../../../src/foundation/index.ts";
import { canonicalText } from "../../../src/identity/index.ts";
import { CLOSE, SessionFault } from "../../../src/transport/session/fault.ts";
import { Initiator, Rejection, Responder, type ResponderOptions } from "../../../src/transport/session/handshake.ts";
import { LIMITS, MESSAGE_MAX_BYTES, readHello } from "../../../src/transport/session/hello.ts";
import { holds } from "../../support/property.ts";
import { A, B, NOON, shakeHands, sides, VECTORS } from "./vectors.ts";

const responder = (change: Partial<ResponderOptions> = {}): Responder =>
  new Responder({ ...sides().b, admit: () => undefined, ...change });
const initiator = (change: object = {}): Initiator => new Initiator({ ...sides().a, ...change });

/** Close code and code of what is thrown. */
function fault(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (!SessionFault.is(error)) throw error;
    return `${error.closeCode} ${error instanceof Rejection ? error.rejectCode : error.code}`;
  }
  return "nothing";
}

/** A message with some of its members replaced. */
function altered(text: string, change: object): string {
  return canonicalText({ ...(JSON.parse(text) as object), ...change });
}

describe("the callee's checks, cheapest first (network.md §1.2)", () => {
  it("takes a message of at most 4 KiB in strict JSON", () => {
    assert.equal(
      fault(() => responder().hello(altered(VECTORS.hello, { pad: "x".repeat(MESSAGE_MAX_BYTES) }))),
      "4400 bad_request",
    );
    assert.equal(
      fault(() => responder().hello(VECTORS.hello.replace("{", '{"v":1,'))),
      "4400 bad_request",
      "a doubled key",
    );
    assert.equal(
      fault(() => responder().hello("[]")),
      "4400 bad_request",
    );
    for (const [name, value] of [
      ["e", "x25519:AA"],
      ["n", "AA"],
      ["v", 2],
      ["boot", "x"],
      ["time", "2026-02-30T00:00:00Z"],
      ["from", "ed25519:x"],
      ["cb", "tls-unique"],
      ["suites", ["c20p", 7]],
      ["limits", { ...LIMITS, frame: 1 }],
      ["via", "somewhere"],
      ["replaces", "AA"],
    ] as const)
      assert.equal(
        fault(() => responder().hello(altered(VECTORS.hello, { [name]: value }))),
        "4400 bad_request",
        name,
      );
  });

  it("hashes keys that it does not know, and ignores them", () => {
    const hello = altered(VECTORS.hello, { later: { version: [1] } });
    assert.match(responder().hello(hello), /"t":"accept"/);
    assert.equal(readHello(hello).value["later"] === undefined, false);
  });

  it("refuses who it is not, itself, a foreign clock and whoever is not let in, before any curve operation", () => {
    assert.equal(
      fault(() => responder().hello(altered(VECTORS.hello, { to: A.nodeId }))),
      "4401 wrong_recipient",
    );
    assert.equal(
      fault(() => responder().hello(altered(VECTORS.hello, { from: B.nodeId }))),
      "4401 wrong_recipient",
    );
    assert.equal(
      fault(() => responder({ now: () => NOON + 121_000 }).hello(VECTORS.hello)),
      "4408 expired",
    );
    assert.match(responder({ now: () => NOON + 120_000 }).hello(VECTORS.hello), /accept/);
    let asked = "";
    const admit = (from: string): never => {
      asked = from;
      throw new Rejection(CLOSE.standing, { code: "revoked" });
    };
    assert.equal(
      fault(() => responder({ admit, random: unreached }).hello(VECTORS.hello)),
      "4403 revoked",
    );
    assert.equal(asked, A.nodeId);
  });

  it("scenario 19: sees the same TLS connection and relay, or refuses with 4401; the cheap suite needs the binding", () => {
    const none = altered(VECTORS.hello, { cb: "none", suites: ["c20p"] });
    assert.match(responder().hello(none), /"suite":"c20p"/, "a proxy stands between, and the caller knows");
    assert.equal(
      fault(() => responder({ binding: null }).hello(VECTORS.hello)),
      "4401 handshake_unproven",
    );
    assert.equal(
      fault(() => responder({ via: A.nodeId }).hello(VECTORS.hello)),
      "4401 handshake_unproven",
    );
    assert.equal(
      fault(() => responder({ binding: null }).hello(altered(none, { suites: ["hs256"] }))),
      "4400 bad_request",
    );
    assert.match(responder({ binding: null }).hello(none), /"suite":"c20p"/);
    assert.match(
      responder().hello(altered(VECTORS.hello, { suites: ["x", "c20p", "hs256"] })),
      /"suite":"c20p"/,
      "the caller's order",
    );
  });

  it("refuses a secret that every key would give", () => {
    const e = `x25519:${Buffer.alloc(32).toString("base64url")}`;
    assert.equal(
      fault(() => responder().hello(altered(VECTORS.hello, { e }))),
      "4401 handshake_unproven",
    );
  });
});

describe("the initiator (network.md §1.2)", () => {
  it("leaves out the cheap suite where nothing binds it to TLS", () => {
    assert.deepEqual((JSON.parse(initiator({ binding: null }).hello) as { suites: string[] }).suites, ["c20p"]);
    assert.deepEqual((JSON.parse(initiator({ via: B.nodeId }).hello) as { suites: string[] }).suites, ["c20p"]);
  });

  it("scenario 19: an ACCEPT that was altered anywhere is 4401", () => {
    const accept = responder().hello(initiator().hello);
    for (const change of [
      { suite: "c20p" },
      { features: ["seal", "more"] },
      { limits: { ...LIMITS, calls: 1 } },
      { boot: "01J9Z3K8V4Q2N7M5C6B1A0XWYC" },
      { community: A.nodeId },
      { later: 1 },
      { from: A.nodeId },
      { to: B.nodeId },
      { time: "2026-07-01T12:02:01Z" },
      { n: Buffer.alloc(32, 3).toString("base64url") },
      { e: `x25519:${Buffer.alloc(32).toString("base64url")}` },
      { sig: Buffer.alloc(64).toString("base64url") },
      { mac: Buffer.alloc(32).toString("base64url") },
      { features: [] },
    ])
      assert.equal(
        fault(() => initiator().answer(altered(accept, change))),
        "4401 invalid_signature",
        JSON.stringify(change),
      );
    assert.match(initiator().answer(accept).confirm, /confirm/, "unaltered it is taken");
  });

  it("refuses one that was made on another TLS connection, as somebody in the middle would pass it on", () => {
    const accept = responder({ binding: Buffer.alloc(32, 0x66) }).hello(VECTORS.hello);
    assert.equal(
      fault(() => initiator().answer(accept)),
      "4401 invalid_signature",
    );
  });

  it("believes the time of a refusal only under the callee's signature and for this very HELLO", () => {
    const late = responder({ now: () => NOON + 600_000 });
    const first = initiator();
    assert.equal(
      fault(() => late.hello(first.hello)),
      "4408 expired",
    );
    const rejection = new Rejection(CLOSE.deadline, { code: "expired" });
    const told = late.reject(rejection, { tellTime: true });
    const time = (text: string, of = initiator()): unknown => {
      try {
        of.answer(text);
      } catch (error) {
        assert.ok(HnError.isHnError(error));
        return error.details.server_time;
      }
      return "taken";
    };
    assert.equal(time(told), "2026-07-01T12:10:00Z");
    assert.equal(time(altered(told, { server_time: "2026-07-02T12:10:00Z" })), undefined, "altered");
    assert.equal(time(told, initiator({ random: (n: number) => Buffer.alloc(n, 9) })), undefined, "of an earlier attempt");
    assert.equal(late.reject(rejection, { tellTime: false }).includes("server_time"), false);
    const other = late.reject(new Rejection(CLOSE.standing, { code: "unauthorized" }), { tellTime: true });
    assert.throws(() => initiator().answer(other), { code: "partition", reason: "session_refused" });
  });
});

describe("CONFIRM (network.md §1.2)", () => {
  it("that was altered, or made for another attempt, is 4401, and only one is looked at", () => {
    const [opening, answering] = [initiator(), responder()];
    const { confirm } = opening.answer(answering.hello(opening.hello));
    const other = responder({ random: (n) => Buffer.alloc(n, 5) });
    other.hello(VECTORS.hello);
    assert.equal(
      fault(() => other.confirm(confirm)),
      "4401 invalid_signature",
    );
    assert.equal(
      fault(() => other.confirm(confirm)),
      "4401 invalid_signature",
    );
    assert.equal(
      fault(() => responder().confirm(confirm)),
      "4401 invalid_signature",
      "before HELLO",
    );
    assert.equal(
      fault(() => answering.confirm(altered(confirm, { mac: Buffer.alloc(32).toString("base64url") }))),
      "4401 invalid_signature",
    );
    assert.equal(
      fault(() => answering.confirm(confirm)),
      "4401 invalid_signature",
      "a second try",
    );
  });

  it("gives both sides the same session, and every attempt another one", () => {
    holds(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.boolean(), (bytes, bound) => {
        const chance = (part: number) => (n: number) => Uint8Array.from(bytes.subarray(part, part + n));
        const base = sides({ binding: bound ? Buffer.alloc(32, 1) : null });
        const { a, b } = shakeHands({ a: { ...base.a, random: chance(0) }, b: { ...base.b, random: chance(32) } });
        assert.deepEqual([a.sid, a.suite, a.limits], [b.sid, b.suite, b.limits]);
        assert.deepEqual(a.send, b.receive);
        assert.notDeepEqual(a.send, a.receive);
        assert.equal(a.suite, bound ? "hs256" : "c20p");
      }),
    );
  });

  it("keeps the difference of the clocks and the smaller limits", () => {
    const base = sides();
    const { a, b } = shakeHands({
      a: { ...base.a, limits: { ...LIMITS, calls: 8 } },
      b: { ...base.b, limits: { ...LIMITS, frame: 200_000 } },
    });
    assert.deepEqual([a.clockOffsetMs, b.clockOffsetMs], [1000, -1000]);
    assert.deepEqual(a.limits, { ...LIMITS, calls: 8, frame: 200_000 });
  });
});

function unreached(): never {
  throw new Error("a key was made for somebody who is not let in");
}
