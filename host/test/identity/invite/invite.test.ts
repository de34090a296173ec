import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { describe, it } from "node:test";
import {
  canonicalBytes,
  canonicalText,
  createFreshDeviceId,
  createInvite,
  importSeed,
  type InviteFacts,
  readFreshDeviceId,
  readInvite,
} from "../../../src/identity/index.ts";
import { device, NOW, refused } from "../people.ts";

const host = device(1);
const guest = device(2);
const FACTS: InviteFacts = {
  community_id: device(3).nodeId,
  community_name: "Mühlenstraße",
  invitee_node_id: guest.nodeId,
  initial_level: "member",
  bootstrap_endpoints: [{ transport: "https", host: "192.0.2.25", port: 7080 }],
  expires_at: "2026-07-02T12:00:00Z",
};
const { text, blob } = createInvite(host, FACTS);

describe("invitations (01 §7, I-14)", () => {
  it("come back from the text that a person passes on, broken lines and all", () => {
    for (const form of [text, `  ${text}\n`, text.replace(/.{60}/g, "$&\r\n  ")])
      assert.equal(canonicalText(readInvite(form, { now: NOW, me: guest.nodeId })), canonicalText(blob));
  });

  it("run out", () => {
    const end = Date.parse(FACTS.expires_at);
    assert.doesNotThrow(() => readInvite(text, { now: end - 1 }));
    assert.throws(() => readInvite(text, { now: end }), refused("expired", "invite_expired"));
  });

  it("are for one device", () => {
    assert.throws(() => readInvite(text, { now: NOW, me: device(4).nodeId }), refused("unauthorized", "invitee_mismatch"));
  });

  it("are refused when a single character of them was changed", () => {
    const start = "hearthnet://v1/".length;
    for (let at = start; at < text.length; at += 7) {
      const other = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
      assert.throws(() => readInvite(other, { now: NOW }), refused("bad_request", "invite_invalid"), `at ${at}`);
    }
  });

  it("are refused in any other form", () => {
    for (const other of [
      "",
      "hearthnet://v1/",
      "hearthnet://v2/abc",
      "http://example",
      "hn1:abc",
      text.slice(0, -1),
      `${text}A`,
      "x".repeat(10_000),
    ])
      assert.throws(() => readInvite(other, { now: NOW }), refused("bad_request", "invite_invalid"), other.slice(0, 20));
  });

  it("cannot be made from facts that no reader takes", () => {
    for (const change of [
      { initial_level: "anchor" },
      { invitee_node_id: "x" },
      { community_name: "" },
      { bootstrap_endpoints: [{ transport: "https", host: "", port: 1 }] },
      { bootstrap_endpoints: Array.from({ length: 17 }, () => ({ transport: "https", host: "a", port: 1 })) },
      { expires_at: "tomorrow" },
    ])
      assert.throws(
        () => createInvite(host, { ...FACTS, ...change } as never),
        refused("bad_request", "invite_invalid"),
        JSON.stringify(change),
      );
  });
});

describe("invitations of the first generation (01 I-14)", () => {
  const { key } = importSeed(new Uint8Array(32).fill(1));
  /** As the Python node writes them: short names outside, long ones under the signature. */
  const legacy = (change: object = {}, relay: object = {}): string => {
    const facts = {
      cid: FACTS.community_id,
      cn: FACTS.community_name,
      inv: host.nodeId,
      tee: guest.nodeId,
      iat: 1,
      exp: NOW / 1000 + 60,
      ...change,
    };
    const signed = {
      community_id: facts.cid,
      community_name: facts.cn,
      inviter_node_id: facts.inv,
      invitee_node_id: facts.tee,
      issued_at: facts.iat,
      expires_at: facts.exp,
      ...("ru" in relay ? { relay_url: relay.ru, relay_token: "t" } : {}),
    };
    const sig = `ed25519:${sign(null, canonicalBytes(signed), key).toString("base64url")}`;
    return `hn1:${Buffer.from(JSON.stringify({ ...facts, ...relay, sig })).toString("base64url")}`;
  };

  it("are taken when their inviter has signed them, relay included, and give no more than membership", () => {
    for (const text of [legacy(), legacy({}, { ru: "https://relay.example", rt: "t" })]) {
      const { initial_level, bootstrap_endpoints, invitee_node_id } = readInvite(text, { now: NOW, me: guest.nodeId });
      assert.deepEqual([initial_level, bootstrap_endpoints, invitee_node_id], ["member", [], guest.nodeId]);
    }
  });

  it("run out, and are refused unsigned, for nobody in particular or for a day that no calendar has", () => {
    assert.throws(() => readInvite(legacy({ exp: NOW / 1000 }), { now: NOW }), refused("expired", "invite_expired"));
    for (const text of [
      legacy({ tee: "" }),
      legacy({ exp: 2 ** 52 }),
      legacy({ exp: 1.5 }),
      legacy({ inv: guest.nodeId }),
      legacy({ cn: "" }),
      legacy({}, { rt: "unsigned" }),
    ])
      assert.throws(() => readInvite(text, { now: NOW }), refused("bad_request", "invite_invalid"));
  });
});

describe("what a new device shows (01 I-15)", () => {
  it("is read back, as code or as the plain id", () => {
    const shown = createFreshDeviceId({ nodeId: guest.nodeId, displayName: "Tablet" });
    assert.deepEqual(readFreshDeviceId(` ${shown}\n`), { node_id: guest.nodeId, display_name: "Tablet" });
    assert.deepEqual(readFreshDeviceId(guest.nodeId), { node_id: guest.nodeId, display_name: "" });
  });

  it("is a stranger's text: a name is cut and cleaned of what turns text around", () => {
    const shown = createFreshDeviceId({ nodeId: guest.nodeId, displayName: `\u202eevil\u0000${"x".repeat(100)}` });
    assert.equal(readFreshDeviceId(shown).display_name, `evil${"x".repeat(60)}`);
  });

  it("is refused when it holds no node id", () => {
    for (const other of ["", "hearthnet-id://v1/", "hearthnet-id://v1/e30", text, "ed25519:abc"])
      assert.throws(() => readFreshDeviceId(other), refused("bad_request", "bad_node_id"), other);
  });
});
