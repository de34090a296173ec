import assert from "node:assert/strict";
import { sign, type KeyObject } from "node:crypto";
import { describe, it } from "node:test";
import type { DhtValue } from "../../src/contract/index.ts";
import { checkValue, isProven, type Verify } from "../../src/dht/check-value.ts";
import { canonicalBytes, dhtKey, formatSignature, importSeed, Signer, verifyTyped } from "../../src/identity/index.ts";

const NOW = 1_800_000_000;
const person = (byte: number): Signer => {
  const { nodeId, key } = importSeed(new Uint8Array(32).fill(byte));
  return new Signer(nodeId, key);
};
const signer = person(7);
const { nodeId } = signer;
const stranger = person(9);
const root = person(42);
const [ROOT_KEY, STRANGER_KEY] = [42, 9].map((byte) => importSeed(new Uint8Array(32).fill(byte)).key) as [KeyObject, KeyObject];
const CID = `blake3:${"ab".repeat(32)}`;
const verify: Verify = verifyTyped;

/** A value about a CID, good unless something is changed. */
function made(changes: Record<string, unknown> = {}, outer: Partial<DhtValue> = {}, by: Signer = signer): DhtValue {
  const unsigned = {
    v: 1,
    kind: "cid",
    node_id: nodeId,
    issued_at: NOW,
    expires_at: NOW + 3600,
    cid: CID,
    last_seen: NOW,
    ...changes,
  };
  for (const [name, value] of Object.entries(unsigned))
    if (value === undefined) delete (unsigned as Record<string, unknown>)[name];
  const payload = { ...unsigned, signature: by.signDht("dht-value", unsigned) } as DhtValue["payload"];
  return { key: dhtKey(CID), payload, expires_at: unsigned.expires_at, ...outer };
}

function anchored(changes: Record<string, unknown> = {}): DhtValue {
  const endpoints = [{ host: "hearth.example.org", port: 7080 }];
  return made(
    {
      kind: "community",
      cid: undefined,
      last_seen: undefined,
      community_id: root.nodeId,
      anchor_node_ids: [nodeId],
      endpoints,
      manifest_url: "https://hearth.example.org:7080/manifest",
      ...changes,
    },
    { key: dhtKey(root.nodeId) },
  );
}

const fault = (value: unknown, o: { now?: number; first?: boolean } = {}): string | null =>
  checkValue(JSON.parse(JSON.stringify(value)), { now: NOW, first: true, verify, ...o });

describe("a value of the DHT", () => {
  it("is good when its signer says all of it (06 §3)", () => {
    assert.equal(fault(made()), null);
    assert.equal(fault(anchored()), null);
    assert.equal(fault(made(), { now: NOW + 3599, first: false }), null);
  });

  it("is stored only under the hash of what it is about (H-6)", () => {
    assert.equal(fault(made({}, { key: dhtKey("something else") })), "store_unauthorized");
    assert.equal(fault(made({ cid: `blake3:${"cd".repeat(32)}` })), "store_unauthorized");
  });

  it("is refused unsigned, altered, or signed by another", () => {
    const good = made();
    assert.equal(fault({ ...good, payload: { ...good.payload, signature: undefined } }), "bad_shape");
    assert.equal(fault({ ...good, payload: { ...good.payload, last_seen: NOW - 1 } }), "invalid_signature");
    const other = made({ node_id: stranger.nodeId }, {}, stranger);
    assert.equal(fault({ ...other, payload: { ...other.payload, node_id: nodeId } }), "invalid_signature");
  });

  it("lives as long as its signer said, never longer than its kind may, and is fresh when it is first stored (H-5)", () => {
    assert.equal(fault(made({}, { expires_at: NOW + 3601 })), "bad_shape");
    assert.equal(fault(made({ expires_at: NOW + 7201 })), "bad_shape");
    assert.equal(fault(made(), { now: NOW + 3600, first: false }), "expired");
    assert.equal(fault(made(), { now: NOW + 121 }), "not_fresh");
    assert.equal(fault(made(), { now: NOW + 121, first: false }), null, "later it may be older");
    assert.equal(fault(made(), { now: NOW - 121, first: false }), "not_fresh", "never from the future");
  });

  it("has at most 4096 bytes", () => {
    const filled = (length: number): DhtValue => {
      const names = Array.from({ length: 15 }, (_, index) => "h".repeat(210) + index);
      const endpoints = [...names, "h".repeat(length)].map((host) => ({ host, port: 7080 }));
      return made(
        { kind: "presence", cid: undefined, last_seen: undefined, endpoints, expires_at: NOW + 300 },
        { key: dhtKey(nodeId) },
      );
    };
    const most = 4096 - JSON.stringify(filled(0)).length;
    assert.ok(most > 0 && most < 250);
    assert.equal(fault(filled(most)), null);
    assert.equal(fault(filled(most + 1)), "value_too_large");
  });

  it("does not send its readers anywhere but to its own addresses (H-11)", () => {
    for (const manifest_url of [
      "https://elsewhere.example.org:7080/manifest",
      "https://hearth.example.org/manifest",
      "http://hearth.example.org:7080/manifest",
      "https://hearth.example.org:7080/admin",
      "https://user@hearth.example.org:7080/manifest",
      "https://hearth.example.org:7080/manifest?next=1",
      "not an address",
    ])
      assert.equal(fault(anchored({ manifest_url })), "bad_shape", manifest_url);
    for (const port of [22, 80, 0, 65_536, 7080.5])
      assert.equal(fault(anchored({ endpoints: [{ host: "a.org", port }] })), "bad_shape", `${port}`);
  });

  it("about a community comes from one of the anchors it names; the root key's word makes it worth more (H-7)", () => {
    assert.equal(fault(anchored({ anchor_node_ids: [stranger.nodeId] })), "store_unauthorized");
    const proofOf = (by: KeyObject, node: string, not_after = NOW + 10): object => {
      const cert = { type: "hearthnet.anchor-cert.v1", community_id: root.nodeId, node_id: node, not_after };
      return { ...cert, signature: formatSignature(new Uint8Array(sign(null, canonicalBytes(cert), by))) };
    };
    const proven = (root_proof?: object): boolean => isProven(anchored({ root_proof }).payload, { now: NOW, verify });
    assert.equal(proven(), false);
    assert.equal(proven(proofOf(ROOT_KEY, nodeId)), true);
    assert.equal(proven(proofOf(ROOT_KEY, stranger.nodeId)), false, "another anchor's");
    assert.equal(proven(proofOf(STRANGER_KEY, nodeId)), false, "not the root's");
    assert.equal(proven(proofOf(ROOT_KEY, nodeId, NOW)), false, "over");
  });
});
