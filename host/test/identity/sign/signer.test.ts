import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Event, RequestEnvelope } from "../../../src/contract/index.ts";
import { canonicalBytes, Signer, verifyBytes, verifyTyped, type SignedKind } from "../../../src/identity/index.ts";
import { device, refused } from "../people.ts";

const A = device(1);
const B = device(2);
const EVENT: Omit<Event, "signature"> = {
  schema_version: 1,
  event_id: "01J1NPT4R0A0A0A0A0A0A0A0A0",
  lamport: 7,
  wall_clock: "2026-07-01T12:00:00Z",
  community_id: device(3).nodeId,
  author: A.nodeId,
  event_type: "chat.message.sent",
  data: { text: "hello" },
};
const REQUEST: RequestEnvelope = {
  version: 1,
  request_id: "01J1NPT4R0A0A0A0A0A0A0A0A0",
  from: A.nodeId,
  to: B.nodeId,
  community: device(3).nodeId,
  capability: "ocr.image",
  timestamp: "2026-07-01T12:00:00Z",
  body: { input: {}, params: {} },
} as unknown as RequestEnvelope;

describe("what the device key signs (00 G-1, 01 §4)", () => {
  it("is a closed object of a known kind that names this device", () => {
    const event = A.signEvent(EVENT);
    assert.equal(verifyTyped("event", event, { by: A.nodeId }), true);
    assert.throws(() => A.signEvent({ ...EVENT, author: B.nodeId }), refused("bad_request"));
    assert.throws(() => A.signEvent({ ...EVENT, note: "more" } as never), refused("bad_request"));
    const { lamport: _left, ...short } = EVENT;
    assert.throws(() => A.signEvent(short as never), refused("bad_request"));
  });

  it("cannot be bytes: none of its methods signs any, and dh signs nothing", () => {
    const methods = Object.getOwnPropertyNames(Signer.prototype).filter((name) => name !== "constructor");
    assert.deepEqual(methods.sort(), [
      "destroy",
      "dh",
      "signCoSign",
      "signCommunityManifest",
      "signDht",
      "signEvent",
      "signFederationManifest",
      "signInvite",
      "signLedgerHead",
      "signNodeManifest",
      "signPeerAuth",
      "signPeerSeal",
      "signPlugin",
      "signRequest",
      "signResponse",
      "signSnapshot",
      "signStream",
      "signToken",
    ]);
  });

  it("never lends a plugin's words the meaning of another kind", () => {
    const payload = { ...EVENT, type: "hearthnet.cosign.v1", action: "revoke", data: {} };
    const signature = A.signPlugin("acme/notes", payload);
    for (const kind of ["event", "cosign", "request", "ledger", "invite"] satisfies SignedKind[])
      assert.equal(verifyTyped(kind, payload, { by: A.nodeId, signature }), false, kind);
  });

  it("keeps a request from passing as an event, and an event as a request", () => {
    const signature = A.signRequest(REQUEST);
    assert.equal(verifyTyped("request", REQUEST, { by: A.nodeId, signature }), true);
    assert.equal(verifyTyped("event", REQUEST, { by: A.nodeId, signature }), false);
    const { signature: given, ...event } = A.signEvent(EVENT);
    assert.equal(verifyTyped("request", event, { by: A.nodeId, signature: given }), false);
  });

  it("holds fractions that every dialect writes alike, but bodies as they are", () => {
    assert.throws(() => A.signEvent({ ...EVENT, data: { x: 0.123_456_78 } }), refused("bad_request"));
    assert.doesNotThrow(() => A.signRequest({ ...REQUEST, body: { input: { x: 0.123_456_78 }, params: {} } }));
  });
});

describe("verifying (01 §4)", () => {
  it("covers every key, known or not, of what others signed", () => {
    const event = A.signEvent(EVENT);
    for (const key of Object.keys(EVENT) as (keyof typeof EVENT)[])
      assert.equal(verifyTyped("event", { ...event, [key]: "x" }, { by: A.nodeId }), false, key);
    assert.equal(verifyTyped("event", { ...event, added: 1 }, { by: A.nodeId }), false);
    assert.equal(verifyTyped("event", event, { by: B.nodeId }), false);
  });

  it("answers no to anything malformed and never throws", () => {
    const event = A.signEvent(EVENT);
    for (const signature of ["", "ed25519:", "ed25519:????", "x".repeat(200), event.signature.slice(0, -1)])
      assert.equal(verifyTyped("event", { ...event, signature }, { by: A.nodeId }), false);
    for (const value of [{}, [], { ...event, signature: 5 }, { ...event, data: { deep: () => 1 } }])
      assert.equal(verifyTyped("event", value, { by: A.nodeId }), false);
    assert.equal(verifyTyped("event", event, { by: "nobody" }), false);
    assert.equal(verifyBytes(canonicalBytes(EVENT), { by: "nobody", signature: event.signature }), false);
  });
});
