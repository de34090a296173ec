import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { ed25519 } from "@noble/curves/ed25519.js";
import type {
  CoSign,
  Event,
  Frame,
  InviteBlob,
  NodeManifest,
  RequestEnvelope,
  ResponseEnvelope,
  StreamEnvelope,
} from "../../src/contract/index.ts";
import {
  blake3,
  blobCid,
  canonicalBytes,
  canonicalText,
  dhtKey,
  importPublicKey,
  importSeed,
  parseNodeId,
  readInvite,
  schemaHash,
  selfTest,
  shortId,
  Signer,
  sodiumReady,
  StreamDigest,
  verifyBytes,
  verifyTyped,
  verifyWithNode,
  verifyWithSodium,
} from "../../src/identity/index.ts";

interface Vectors<C> {
  keys: Record<string, { seed_hex: string; node_id: string }>;
  cases: C[];
}
function load<C>(name: string): Vectors<C> {
  return JSON.parse(readFileSync(new URL(`../../../test/vectors/${name}.json`, import.meta.url), "utf8")) as Vectors<C>;
}
function signerOf(vectors: Vectors<unknown>, name: string): Signer {
  const { nodeId, key } = importSeed(Buffer.from(vectors.keys[name]?.seed_hex ?? "", "hex"));
  return new Signer(nodeId, key);
}
/** Every single-byte change of the signed text must break the signature; a few positions suffice to bite. */
function breaksWhenAltered(text: string, o: { by: string; signature: string }): void {
  const bytes = Buffer.from(text);
  for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
    const altered = Buffer.from(bytes);
    altered[at] = (altered[at] ?? 0) ^ 1;
    assert.equal(verifyBytes(altered, o), false);
  }
}

describe("known answers of the protocol", () => {
  it("writes canonical JSON, hashes and signs it (01 §3, §4)", () => {
    const vectors = load<{ name: string; value: unknown; canonical: string; blake3: string; signature_by_A: string }>(
      "canonical",
    );
    for (const c of vectors.cases) {
      assert.equal(canonicalText(c.value), c.canonical, c.name);
      assert.equal(blake3(canonicalBytes(c.value)), c.blake3, c.name);
      const by = vectors.keys["A"]?.node_id ?? "";
      assert.equal(verifyBytes(canonicalBytes(c.value), { by, signature: c.signature_by_A }), true, c.name);
      breaksWhenAltered(c.canonical, { by, signature: c.signature_by_A });
    }
  });

  it("derives node ids and short ids from seeds (01 §2)", () => {
    for (const c of load<{ seed_hex: string; node_id: string; public_key_hex: string }>("node-id").cases) {
      assert.equal(importSeed(Buffer.from(c.seed_hex, "hex")).nodeId, c.node_id);
      assert.equal(Buffer.from(parseNodeId(c.node_id).bytes).toString("hex"), c.public_key_hex);
    }
    assert.equal(shortId("ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"), "ed25519:AOQQ-PP7T-ZYIL-4");
  });

  it("signs events, manifests, invites and co-signatures to the same bytes (04 §1, 01 §5, §7, E-7)", () => {
    const events = load<{ signer: string; event: Event }>("event");
    for (const c of events.cases) {
      const { signature, ...unsigned } = c.event;
      assert.equal(signerOf(events, c.signer).signEvent(unsigned).signature, signature);
      assert.equal(verifyTyped("event", c.event, { by: c.event.author }), true);
      breaksWhenAltered(canonicalText(unsigned), { by: c.event.author, signature });
    }
    const manifests = load<{ signer: string; manifest: NodeManifest }>("node-manifest");
    for (const c of manifests.cases) assert.equal(verifyTyped("node-manifest", c.manifest, { by: c.manifest.node_id }), true);
    const invites = load<{ signer: string; invite: InviteBlob; text: string }>("invite");
    for (const c of invites.cases) {
      assert.equal(verifyTyped("invite", c.invite, { by: c.invite.inviter_node_id }), true);
      assert.deepEqual({ ...readInvite(c.text, { now: Date.parse("2026-07-01T12:00:00Z") }) }.signature, c.invite.signature);
    }
    const cosigns = load<{ signer: string; payload: CoSign; signature: string }>("cosign");
    for (const c of cosigns.cases) assert.equal(signerOf(cosigns, c.signer).signCoSign(c.payload), c.signature);
  });

  it("signs requests, responses and stream ends to the same bytes (02 T-3, T-10, T-14)", () => {
    const requests = load<{ signer: string; envelope: RequestEnvelope; signature: string }>("request");
    for (const c of requests.cases) assert.equal(signerOf(requests, c.signer).signRequest(c.envelope), c.signature);
    const responses = load<{ signer: string; envelope: ResponseEnvelope; signature: string }>("response");
    for (const c of responses.cases) assert.equal(signerOf(responses, c.signer).signResponse(c.envelope), c.signature);
    const streams = load<{
      signer: string;
      frames: Frame[];
      terminal: Frame;
      digest: string;
      canonical: string;
      signature: string;
    }>("stream");
    for (const c of streams.cases) {
      const digest = new StreamDigest();
      for (const frame of c.frames) digest.add(frame);
      const envelope = JSON.parse(c.canonical) as StreamEnvelope;
      assert.equal(digest.digest(), c.digest);
      assert.equal(digest.frames, envelope.frames);
      assert.equal(signerOf(streams, c.signer).signStream(envelope), c.signature);
    }
  });

  it("hashes schemas, blobs and DHT keys (03 §3, 30 §1, 06 §1)", () => {
    for (const c of load<{ descriptor: Parameters<typeof schemaHash>[0]; schema_hash: string }>("schema-hash").cases)
      assert.equal(schemaHash(c.descriptor), c.schema_hash);
    for (const c of load<{ string: string; key: string }>("dht-key").cases) assert.equal(dhtKey(c.string), c.key);
    const bytes: Record<string, Uint8Array> = {
      hello: Buffer.from("hello"),
      empty: new Uint8Array(0),
      A_then_B: Buffer.concat([Buffer.alloc(262_144, 0x41), Buffer.alloc(262_144, 0x42)]),
    };
    let checked = 0;
    for (const c of load<{ name: string; cid: string; chunks: { cid: string; size_bytes: number }[] }>("blob-cid").cases) {
      const given = bytes[c.name];
      if (given === undefined) continue;
      checked++;
      assert.deepEqual(blobCid(given), { cid: c.cid, chunks: c.chunks });
    }
    assert.equal(checked, 3);
  });

  it("verifies token signatures over the exact text (05 §1)", () => {
    const vectors = load<{ name: string; signer: string; token: string }>("token");
    for (const c of vectors.cases) {
      const [header, payload, signature] = c.token.replace("hntoken://v1/", "").split(".");
      const by = vectors.keys[c.signer]?.node_id ?? "";
      assert.equal(verifyBytes(Buffer.from(`${header}.${payload}`), { by, signature: `ed25519:${signature}` }), true, c.name);
    }
  });
});

describe("one Ed25519 verdict (01 I-2, network.md N-3, N-4)", () => {
  const { cases } = load<{ name: string; public_key_hex: string; signature_hex: string; message_utf8: string; valid: boolean }>(
    "ed25519-edge",
  );

  it("is the same from node:crypto and libsodium for every vector", async () => {
    await sodiumReady;
    for (const c of cases) {
      const key = importPublicKey(Buffer.from(c.public_key_hex, "hex"));
      for (const verifier of [verifyWithNode, verifyWithSodium]) {
        let verdict: boolean;
        try {
          verdict = key !== null && verifier(key, Buffer.from(c.message_utf8), Buffer.from(c.signature_hex, "hex"));
        } catch {
          verdict = false;
        }
        assert.equal(verdict, c.valid, `${c.name} by ${verifier.name}`);
      }
    }
    await selfTest();
  });

  it("would differ if noble gave it", () => {
    const differing = cases.filter((c) => {
      try {
        return (
          ed25519.verify(Buffer.from(c.signature_hex, "hex"), Buffer.from(c.message_utf8), Buffer.from(c.public_key_hex, "hex"), {
            zip215: false,
          }) !== c.valid
        );
      } catch {
        return c.valid;
      }
    });
    assert.ok(differing.length > 0);
  });
});
