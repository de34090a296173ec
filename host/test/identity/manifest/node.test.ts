import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { describe, it } from "node:test";
import type { NodeManifest } from "../../../src/contract/index.ts";
import { formatTime } from "../../../src/foundation/index.ts";
import {
  buildManifest,
  buildManifestV1,
  canonicalText,
  importSeed,
  type ManifestMemory,
  verifyManifest,
} from "../../../src/identity/index.ts";
import { formatSixDigits } from "../../../src/identity/manifest/six-digits.ts";
import { device, facts, NOW, refused } from "../people.ts";

const A = device(1);

function memory(): ManifestMemory & { seen: Map<string, { issuedAt: number; contract: string }> } {
  const seen = new Map<string, { issuedAt: number; contract: string }>();
  return { seen, last: (node) => seen.get(node), accept: (node, entry) => void seen.set(node, entry) };
}

const bytes = (manifest: object): Uint8Array => Buffer.from(JSON.stringify(manifest));
/** The manifest of this device with something changed before it was signed. */
const signed = (change: object, now = NOW): Uint8Array => {
  const { signature: _old, ...rest } = buildManifest(A, { facts: facts(), now });
  return bytes(A.signNodeManifest({ ...rest, ...change }));
};

/** Signed by a program that is not ours, over the text it was given. */
const withRawKey = <T extends object>(payload: T, text = canonicalText(payload)): T & { signature: string } => {
  const { key } = importSeed(new Uint8Array(32).fill(1));
  return { ...payload, signature: `ed25519:${sign(null, Buffer.from(text), key).toString("base64url")}` };
};

describe("what a node says about itself (01 §5)", () => {
  it("is read back as it was written, and good for 30 s", () => {
    const manifest = buildManifest(A, { facts: facts(), now: NOW + 400 });
    assert.deepEqual([manifest.issued_at, manifest.expires_at], [formatTime(NOW), formatTime(NOW + 30_000)]);
    const read = verifyManifest(bytes(manifest), { now: NOW, expected: A.nodeId, memory: memory() });
    assert.equal(canonicalText(read), canonicalText(manifest));
  });

  it("is refused when one byte of it differs", () => {
    const manifest = buildManifest(A, { facts: facts(), now: NOW });
    for (const change of [{ display_name: "garage-pd" }, { community_id: device(4).nodeId }, { uptime_seconds: 1 }, { extra: 1 }])
      assert.throws(
        () => verifyManifest(bytes({ ...manifest, ...change }), { now: NOW, memory: memory() }),
        refused("invalid_signature", "bad_manifest"),
        JSON.stringify(change),
      );
  });

  it("is refused from whoever else stands at the address", () => {
    assert.throws(
      () => verifyManifest(signed({}), { now: NOW, expected: device(2).nodeId, memory: memory() }),
      refused("invalid_signature", "tls_mismatch"),
    );
  });

  it("lets a later version add what it likes", () => {
    const { signature: _own, ...rest } = buildManifest(A, { facts: facts(), now: NOW });
    const manifest = withRawKey({ ...rest, node_color: "red" });
    const read = verifyManifest(bytes(manifest), { now: NOW, memory: memory() });
    assert.equal((read as NodeManifest & { node_color?: string }).node_color, "red");
  });

  it("is refused when a field has the wrong type or size, even if signed", () => {
    for (const change of [
      { display_name: "" },
      { display_name: "x".repeat(65) },
      { endpoints: Array.from({ length: 17 }, () => ({ transport: "https", host: "a", port: 1 })) },
      { endpoints: [{ transport: "https", host: "a", port: 0 }] },
      { endpoints: [{ transport: "https", host: "a", port: 65_536 }] },
      { endpoints: {} },
      { load: { cpu: -1, in_flight_total: 0 } },
      { profile: "boss" },
      { capabilities: [{ name: "x" }] },
      { issued_at: "yesterday" },
    ])
      assert.throws(
        () => verifyManifest(signed(change), { now: NOW, memory: memory() }),
        refused("bad_request", "bad_manifest"),
        JSON.stringify(change),
      );
    for (const body of ["[]", "null", "7", '"x"'])
      assert.throws(
        () => verifyManifest(Buffer.from(body), { now: NOW, memory: memory() }),
        refused("bad_request", "bad_manifest"),
        body,
      );
  });

  it("is refused when its contract is unknown", () => {
    assert.throws(
      () => verifyManifest(signed({ contract_version: "3.0" }), { now: NOW, memory: memory() }),
      refused("schema_mismatch", "contract_version"),
    );
  });

  it("is refused two minutes off, with another life than 30 s, and when it is older than one already seen (I-7)", () => {
    const seen = memory();
    for (const [now, fits] of [
      [NOW - 120_000, true],
      [NOW + 120_000, true],
      [NOW + 121_000, false],
      [NOW - 121_000, false],
    ] as const) {
      const read = (): unknown => verifyManifest(signed({}), { now, memory: memory() });
      if (fits) assert.doesNotThrow(read);
      else assert.throws(read, refused("expired", "clock_skew"));
    }
    assert.throws(
      () => verifyManifest(signed({ expires_at: formatTime(NOW + 3_600_000) }), { now: NOW, memory: memory() }),
      refused("expired", "clock_skew"),
    );
    verifyManifest(signed({}), { now: NOW, memory: seen });
    assert.throws(() => verifyManifest(signed({}, NOW - 1000), { now: NOW, memory: seen }), refused("expired"));
    assert.deepEqual(seen.seen.get(A.nodeId), { issuedAt: NOW, contract: "2.0" });
  });
});

describe("the form for peers of the first generation (01 §8, I-16)", () => {
  const capability = (name: string, version = "1.0"): NodeManifest["capabilities"][number] => ({
    name,
    version,
    stability: "stable",
    schema_hash: "blake3:x",
    params: { models: ["m"], context: 4096 },
    max_concurrent: 1,
    trust_required: "member",
  });

  it("shows nothing that came later", () => {
    const manifest = buildManifestV1(A, {
      now: NOW,
      facts: facts({
        capabilities: [capability("llm.chat"), capability("llm.chat", "1.1"), capability("ocr.image")],
        features: ["peer-session"],
        relays: ["r"],
      }),
    });
    assert.deepEqual(
      manifest.capabilities.map(({ name, version, params, ...rest }) => ({
        name,
        version,
        params,
        later: "trust_required" in rest,
      })),
      [{ name: "llm.chat", version: "1.0", params: { context: 4096 }, later: false }],
    );
    assert.ok(!("features" in manifest) && !("relays" in manifest));
    assert.equal(manifest.contract_version, "1.0");
    assert.doesNotThrow(() => verifyManifest(bytes(manifest), { now: NOW, memory: memory() }));
  });

  it("does not push out the newer form that was already seen", () => {
    const seen = memory();
    verifyManifest(signed({}), { now: NOW, memory: seen });
    const twin = bytes(buildManifestV1(A, { facts: facts(), now: NOW + 1000 }));
    assert.throws(() => verifyManifest(twin, { now: NOW + 1000, memory: seen }), refused("expired"));
    const later = bytes(buildManifestV1(A, { facts: facts(), now: NOW + 30_000 }));
    assert.doesNotThrow(() => verifyManifest(later, { now: NOW + 30_000, memory: seen }));
  });
});

describe("fractions as C writes them (01 I-5)", () => {
  it("have six significant digits", () => {
    for (const [x, text] of [
      [51.5074, "51.5074"],
      [0.1, "0.1"],
      [123_456_789.5, "1.23457e+08"],
      [1e-7, "1e-07"],
      [-0.25, "-0.25"],
      [0.000_123_456_7, "0.000123457"],
    ] as const)
      assert.equal(formatSixDigits(x), text);
  });

  it("are accepted in that spelling, and only the six digits that were signed count", () => {
    const { signature: _own, ...rest } = buildManifest(A, { facts: facts(), now: NOW });
    const payload = { ...rest, load: { cpu: 0.123_456_789, in_flight_total: 0 } };
    const given = withRawKey(payload, canonicalText(payload).replace("0.123456789", "0.123457"));
    assert.equal(verifyManifest(bytes(given), { now: NOW, memory: memory() }).load.cpu, 0.123_457);
    const forged = { ...given, load: { cpu: 0.9, in_flight_total: 0 } };
    assert.throws(
      () => verifyManifest(bytes(forged), { now: NOW, memory: memory() }),
      refused("invalid_signature", "bad_manifest"),
    );
  });
});
