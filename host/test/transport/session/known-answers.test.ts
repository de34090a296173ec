import assert from "node:assert/strict";
import { createCipheriv, createHash, createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import { before, describe, it } from "node:test";
import { hmac as nobleHmac } from "@noble/hashes/hmac.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import sodium from "libsodium-wrappers";
import { canonicalBytes, canonicalText, verifyTyped } from "../../../src/identity/index.ts";
import { FrameOpener, FrameSealer } from "../../../src/transport/session/cipher.ts";
import { KIND } from "../../../src/transport/session/frame.ts";
import { Rejection, Responder } from "../../../src/transport/session/handshake.ts";
import { CLOSE } from "../../../src/transport/session/fault.ts";
import { expand, extract, nextGeneration } from "../../../src/transport/session/keys.ts";
import { leafOf, rootOf } from "../../../src/transport/session/merkle.ts";
import { encodeRecord, readRecords, TYPE } from "../../../src/transport/session/record.ts";
import { SealReader, SealWriter, sealHash } from "../../../src/transport/session/seal.ts";
import { beginTranscript, mixAccept, mixHello } from "../../../src/transport/session/transcript.ts";
import { A, B, NOON, R, shakeHands, sides, VECTORS } from "./vectors.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const b64u = (text: string): Buffer => Buffer.from(text, "base64url");
const binding = Buffer.alloc(32, 0x55);

describe("network.md §1.9, the handshake", () => {
  it("hashes prologue, HELLO and ACCEPT to the known transcript", () => {
    assert.equal(beginTranscript({ binding, via: "" }).toString("hex"), VECTORS.th0);
    assert.equal(beginTranscript({ binding: null, via: "" }).toString("hex"), VECTORS.th0_without_binding);
    const th1 = mixHello(hex(VECTORS.th0), JSON.parse(VECTORS.hello) as object);
    assert.equal(th1.toString("hex"), VECTORS.th1);
    assert.equal(mixAccept(th1, JSON.parse(VECTORS.accept) as object).toString("hex"), VECTORS.th2);
  });

  it("derives the known secret, prk and master", () => {
    assert.equal(extract(hex(VECTORS.th2), hex(VECTORS.dh)).toString("hex"), VECTORS.prk);
    assert.equal(expand(hex(VECTORS.prk), "master", { bytes: 32, context: hex(VECTORS.th6) }).toString("hex"), VECTORS.master);
  });

  it("says what A and B say, to the last byte, and both end with the known keys", () => {
    const { a, b, texts } = shakeHands();
    const [hello = "", accept = "", confirm = ""] = texts;
    assert.equal(hello, VECTORS.hello);
    const { sig, mac, ...rest } = JSON.parse(accept) as Record<string, string>;
    assert.equal(canonicalText(rest), VECTORS.accept);
    assert.deepEqual([sig, mac], [VECTORS.sigR, VECTORS.macR]);
    assert.deepEqual(JSON.parse(confirm), { t: "confirm", sig: VECTORS.sigI, mac: VECTORS.macI });
    for (const side of [a, b]) {
      assert.equal(side.th6.toString("hex"), VECTORS.th6);
      assert.equal(b64u(side.sid).toString("hex"), VECTORS.sid);
      assert.equal(side.suite, "hs256");
    }
    const text = ({ key, iv }: { key: Buffer; iv: Buffer }): object => ({ key: key.toString("hex"), iv: iv.toString("hex") });
    assert.deepEqual([text(a.send), text(b.receive)], [VECTORS.i2r, VECTORS.i2r]);
    assert.deepEqual([text(a.receive), text(b.send)], [VECTORS.r2i, VECTORS.r2i]);
    assert.deepEqual(text(nextGeneration(a.send)), VECTORS.rekey);
  });

  it("refuses a wrong clock with the known signed time", () => {
    const responder = new Responder({ ...sides().b, now: () => NOON + 600_000, admit: () => undefined });
    assert.throws(() => responder.hello(VECTORS.hello), { code: "expired" });
    const { code, server_time, signature } = VECTORS.reject;
    assert.deepEqual(JSON.parse(responder.reject(new Rejection(CLOSE.deadline, { code: "expired" }), { tellTime: true })), {
      t: "reject",
      code,
      server_time,
      signature: `ed25519:${signature}`,
    });
  });
});

describe("network.md §1.9, frames and seals", () => {
  const { header, record_header, body, ...frame } = VECTORS.frame;
  const record = (): Buffer => encodeRecord({ type: TYPE.call, id: 1, body });
  const payload = { parts: [record()], bytes: record().byteLength, sealed: false };
  const key = (): { key: Buffer; iv: Buffer } => ({ key: hex(VECTORS.i2r.key), iv: hex(VECTORS.i2r.iv) });

  it("writes the known record and the known hs256 frame", () => {
    assert.equal(record().toString("hex"), record_header + Buffer.from(body).toString("hex"));
    const sealer = new FrameSealer({ suite: "hs256", key: key(), now: 0 });
    const bytes = sealer.seal(KIND.data, payload);
    assert.equal(bytes.toString("hex"), header + record().toString("hex") + frame.hs256_tag);
    sealer.turn(0);
    const ping = encodeRecord({ type: TYPE.ping, id: 0, body: hex("0000000000000001") });
    assert.equal(ping.toString("hex"), VECTORS.ping.record);
    const second = sealer.seal(KIND.ctrl, { parts: [ping], bytes: ping.byteLength, sealed: false });
    assert.equal(second.toString("hex"), VECTORS.ping.header + VECTORS.ping.record + VECTORS.ping.hs256_tag);
  });

  it("writes gm256 tags as NIST SP 800-38D and another implementation have them", async () => {
    const zero = { key: Buffer.alloc(32), iv: Buffer.alloc(12) };
    const known = createCipheriv("aes-256-gcm", zero.key, zero.iv);
    known.final();
    assert.equal(known.getAuthTag().toString("hex"), "530f8afbc74536b9a963b4f1c4cb738b", "test case 13 of the GCM specification");
    const sealer = new FrameSealer({ suite: "gm256", key: key(), now: 0 });
    sealer.seal(KIND.data, payload);
    const bytes = sealer.seal(KIND.data, payload);
    const nonce = new Uint8Array(key().iv);
    nonce[11] = (nonce[11] ?? 0) ^ 1;
    const subtle = await crypto.subtle.importKey("raw", new Uint8Array(key().key), "AES-GCM", false, ["encrypt"]);
    const additionalData = new Uint8Array(bytes.subarray(0, -16));
    const tag = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData }, subtle, new Uint8Array(0));
    assert.equal(bytes.subarray(-16).toString("hex"), Buffer.from(tag).toString("hex"));
  });

  it("writes the known c20p frames, and reads them", () => {
    const sealer = new FrameSealer({ suite: "c20p", key: key(), now: 0 });
    const opener = new FrameOpener("c20p", key(), 262_144);
    const bytes = sealer.seal(KIND.data, payload);
    assert.equal(bytes.subarray(0, 12).toString("hex"), header);
    assert.equal(bytes.subarray(12, 28).toString("hex"), frame.c20p_start);
    assert.equal(bytes.subarray(-16).toString("hex"), frame.c20p_tag);
    assert.equal(createHash("sha256").update(bytes).digest("hex"), frame.c20p_sha256);
    const opened = opener.open(bytes);
    assert.equal(readRecords(opened.payload, opened.header)[0]?.body.toString(), body);
    sealer.turn(0);
    opener.turn();
    const ping = sealer.seal(KIND.ctrl, { parts: [hex(VECTORS.ping.record)], bytes: 20, sealed: false });
    assert.equal(ping.toString("hex"), VECTORS.ping.header + VECTORS.ping.c20p_ct + VECTORS.ping.c20p_tag);
    assert.equal(opener.open(ping).payload.toString("hex"), VECTORS.ping.record);
  });

  it("builds the known leaves, root, seal, signature and link to the next seal", () => {
    const leaves = knownRecords().map(leafOf);
    assert.deepEqual(
      leaves.map((leaf) => leaf.toString("hex")),
      VECTORS.leaves,
    );
    assert.equal(rootOf(leaves).toString("hex"), VECTORS.root);
    const facts = {
      session: hex(VECTORS.sid).toString("base64url"),
      from: A.nodeId,
      to: B.nodeId,
      community: R,
      th6: hex(VECTORS.th6),
    };
    const [writer, reader] = [new SealWriter(A, facts), new SealReader(facts)];
    for (const leaf of leaves) {
      writer.add(leaf);
      reader.add(leaf);
    }
    const signed = JSON.parse(writer.seal(NOON + 2000)) as { seal: never; signature: string };
    assert.equal(signed.signature, `ed25519:${VECTORS.seal.signature}`);
    assert.equal(sealHash(signed.seal), VECTORS.seal.next_prev);
    assert.equal(reader.read(signed).leaves.length, 3);
  });
});

describe("network.md §1.9 by other libraries", () => {
  before(() => sodium.ready);

  it("X25519: node:crypto and libsodium agree on the secret", () => {
    const [own, other] = [Buffer.alloc(32, 0x11), Buffer.alloc(32, 0x22)];
    const pkcs8 = (secret: Buffer): Buffer => Buffer.concat([hex("302e020100300506032b656e04220420"), secret]);
    const privateKey = createPrivateKey({ key: pkcs8(own), format: "der", type: "pkcs8" });
    const publicKey = createPublicKey(createPrivateKey({ key: pkcs8(other), format: "der", type: "pkcs8" }));
    assert.equal(diffieHellman({ privateKey, publicKey }).toString("hex"), VECTORS.dh);
    const theirs = sodium.crypto_scalarmult_base(other);
    assert.equal(Buffer.from(sodium.crypto_scalarmult(own, theirs)).toString("hex"), VECTORS.dh);
  });

  it("Ed25519: libsodium writes and reads every signature", () => {
    const keyA = sodium.crypto_sign_seed_keypair(Uint8Array.from({ length: 32 }, (_, i) => i));
    const keyB = sodium.crypto_sign_seed_keypair(Buffer.alloc(32, 0x07));
    const proof = (role: string, from: string, th: string, more: object = {}): Uint8Array =>
      canonicalBytes({ type: "hearthnet.peer-auth.v1", role, from, to: from === A.nodeId ? B.nodeId : A.nodeId, th, ...more });
    const th2 = hex(VECTORS.th2).toString("base64url");
    const th1 = hex(VECTORS.th1).toString("base64url");
    const { code, server_time } = VECTORS.reject;
    const signed = (message: Uint8Array, by: { privateKey: Uint8Array }): string =>
      Buffer.from(sodium.crypto_sign_detached(message, by.privateKey)).toString("base64url");
    assert.equal(signed(proof("responder", B.nodeId, th2), keyB), VECTORS.sigR);
    assert.equal(signed(proof("reject", B.nodeId, th1, { code, server_time }), keyB), VECTORS.reject.signature);
    const th4 = mixed(mixed(VECTORS.th2, "sig r", b64u(VECTORS.sigR)), "fin r", b64u(VECTORS.macR));
    assert.equal(signed(proof("initiator", A.nodeId, hex(th4).toString("base64url")), keyA), VECTORS.sigI);
    const th = hex(th4).toString("base64url");
    const value = { type: "hearthnet.peer-auth.v1", role: "initiator", from: A.nodeId, to: B.nodeId, th };
    assert.ok(verifyTyped("peer-auth", value, { by: A.nodeId, signature: `ed25519:${VECTORS.sigI}` }));
  });

  it("ChaCha20-Poly1305: libsodium writes the same frame", () => {
    const plain = encodeRecord({ type: TYPE.call, id: 1, body: VECTORS.frame.body });
    const header = hex(VECTORS.frame.header);
    const sealed = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
      plain,
      header,
      null,
      hex(VECTORS.i2r.iv),
      hex(VECTORS.i2r.key),
    );
    assert.equal(createHash("sha256").update(header).update(sealed).digest("hex"), VECTORS.frame.c20p_sha256);
    const nonce = hex(VECTORS.rekey.iv);
    nonce[11] = (nonce[11] ?? 0) ^ 1;
    const ping = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
      hex(VECTORS.ping.record),
      hex(VECTORS.ping.header),
      null,
      nonce,
      hex(VECTORS.rekey.key),
    );
    assert.equal(Buffer.from(ping).toString("hex"), VECTORS.ping.c20p_ct + VECTORS.ping.c20p_tag);
  });

  it("SHA-256 and HMAC: noble gives the same transcript, macs, keys and tag", () => {
    const sha = (...parts: Uint8Array[]): Buffer => Buffer.from(nobleSha256(Buffer.concat(parts)));
    const mac = (key: Uint8Array, ...parts: Uint8Array[]): Buffer =>
      Buffer.from(nobleHmac(nobleSha256, key, Buffer.concat(parts)));
    const label = (text: string, context: Uint8Array = Buffer.alloc(0)): Uint8Array[] => [
      Buffer.from(`hearthnet-peer.v1 ${text}`),
      Buffer.of(0),
      context,
      Buffer.of(1),
    ];
    const prk = mac(hex(VECTORS.th2), hex(VECTORS.dh));
    assert.equal(prk.toString("hex"), VECTORS.prk);
    const th3 = hex(mixed(VECTORS.th2, "sig r", b64u(VECTORS.sigR)));
    assert.equal(mac(mac(prk, ...label("finished r")), th3).toString("base64url"), VECTORS.macR);
    const master = mac(prk, ...label("master", hex(VECTORS.th6)));
    assert.equal(master.toString("hex"), VECTORS.master);
    assert.equal(mac(master, ...label("key r2i")).toString("hex"), VECTORS.r2i.key);
    assert.equal(mac(hex(VECTORS.i2r.key), ...label("rekey")).toString("hex"), VECTORS.rekey.key);
    const frame = Buffer.concat([hex(VECTORS.frame.header), encodeRecord({ type: TYPE.call, id: 1, body: VECTORS.frame.body })]);
    assert.equal(mac(hex(VECTORS.i2r.key), frame).subarray(0, 16).toString("hex"), VECTORS.frame.hs256_tag);
    const [one, two, three] = VECTORS.leaves.map(hex) as [Buffer, Buffer, Buffer];
    assert.equal(sha(Buffer.of(1), sha(Buffer.of(1), one, two), three).toString("hex"), VECTORS.root);
  });

  function mixed(th: string, tag: string, data: Buffer): string {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.byteLength);
    return Buffer.from(nobleSha256(Buffer.concat([hex(th), Buffer.of(tag.length), Buffer.from(tag), length, data]))).toString(
      "hex",
    );
  }
});

function knownRecords(): Buffer[] {
  return ["Wasser", "Strom", "Gas"].map((query, i) =>
    encodeRecord({
      type: TYPE.call,
      id: 1 + 2 * i,
      body: VECTORS.frame.body.replace("WYT", `WY${"TVW"[i] ?? ""}`).replace("Wasser", query),
    }),
  );
}
