import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { describe, it } from "node:test";
import { ed25519 } from "@noble/curves/ed25519.js";
import sodium from "libsodium-wrappers";
import { encodeBase64url } from "../../../src/foundation/index.ts";
import {
  importPublicKey,
  isAcceptablePoint,
  isAcceptableSignature,
  parseNodeId,
  selfTest,
  sodiumReady,
  verifyWithNode,
  verifyWithSodium,
} from "../../../src/identity/index.ts";
import { loadNativeSodium } from "../../../src/identity/ed25519/native.ts";
import { verifierOf } from "../../../src/identity/ed25519/verify.ts";
import { seededRandom } from "../../support/people.ts";
import { device, refused } from "../people.ts";

const P = (1n << 255n) - 19n;
const L = (1n << 252n) + 27742317777372353535851937790883648493n;
const bytesOf = (n: bigint): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => Number((n >> BigInt(8 * i)) & 255n));
const numberOf = (bytes: Uint8Array): bigint => bytes.reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n);

/** A point of order 8: a random point times the large prime. */
const TORSION = ed25519.Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", true);

/** All encodings of the eight points of small order: both sign bits, canonical or not. Built from the curve, not from our table. */
function smallOrderEncodings(): Uint8Array[] {
  const ys = new Set(
    Array.from({ length: 8 }, (_, i) => (i === 0 ? ed25519.Point.ZERO : TORSION.multiplyUnsafe(BigInt(i))).toAffine().y),
  );
  const spelt = [...ys].flatMap((y) => [y, y + P]).filter((y) => y < 1n << 255n);
  return spelt.flatMap((y) => [bytesOf(y), bytesOf(y | (1n << 255n))]);
}

describe("the one signature rule (01 I-2, network.md N-3)", () => {
  it("refuses all 14 small-order encodings as key and as R", () => {
    const encodings = smallOrderEncodings();
    assert.equal(encodings.length, 14);
    for (const point of encodings) {
      assert.equal(isAcceptablePoint(point), false);
      assert.equal(importPublicKey(point), null);
      assert.throws(() => parseNodeId(`ed25519:${encodeBase64url(point)}`), refused("bad_request", "bad_node_id"));
      assert.equal(isAcceptableSignature(Buffer.concat([point, new Uint8Array(32)])), false);
    }
  });

  it("refuses field elements that are not canonical", () => {
    for (let n = P; n < 1n << 255n; n++) {
      assert.equal(isAcceptablePoint(bytesOf(n)), false);
      assert.equal(isAcceptablePoint(bytesOf(n | (1n << 255n))), false);
    }
    assert.equal(isAcceptablePoint(bytesOf(P - 2n)), true);
    assert.equal(isAcceptablePoint(new Uint8Array(31).fill(9)), false);
  });

  it("refuses S from L on, however far", () => {
    const { nodeId, signRequest } = signedRequest();
    const signature = signRequest();
    const s = numberOf(signature.subarray(32));
    const key = parseNodeId(nodeId);
    assert.ok(isAcceptableSignature(signature));
    for (let shifted = s + L; shifted < 1n << 256n; shifted += L) {
      const forged = Buffer.concat([signature.subarray(0, 32), bytesOf(shifted)]);
      assert.equal(isAcceptableSignature(forged), false);
      assert.equal(verifyWithNode(key, MESSAGE, forged), false);
    }
    for (const length of [0, 63, 65]) assert.equal(isAcceptableSignature(new Uint8Array(length)), false);
  });

  it("passes the self-test at start (N-4)", async () => {
    await selfTest();
  });

  it("gets one verdict from all libraries and from big integers on mixed-order keys, where noble differs (N-4)", async () => {
    const native = await loadNativeSodium();
    await sodiumReady;
    const random = seededRandom(Number(process.env["HN_SEED"] ?? 7));
    const seen = { true: 0, false: 0 };
    let nobleDiffers = 0;
    for (let i = 0; i < 120; i++) {
      const message = random(1 + (i % 40));
      const { publicKey, signature } = signWithTorsion({ random, message, onKey: i % 8, onR: i % 5 === 0 ? i % 8 : 0 });
      if (i % 9 === 0) signature[i % 64] = (signature[i % 64] ?? 0) ^ (1 << (i % 8));
      const key = importPublicKey(publicKey);
      assert.ok(key);
      const verdict = verifyWithNode(key, message, signature);
      assert.equal(verifyWithSodium(key, message, signature), verdict, `case ${i} by libsodium`);
      if (native !== null) assert.equal(verifierOf(native)(key, message, signature), verdict, `case ${i} by the native library`);
      assert.equal(byModel(publicKey, message, signature), verdict, `case ${i} by the model`);
      seen[`${verdict}`]++;
      if ((quietly(() => ed25519.verify(signature, message, publicKey, { zip215: false })) ?? false) !== verdict) nobleDiffers++;
    }
    assert.ok(seen.true > 10 && seen.false > 10, JSON.stringify(seen));
    assert.ok(nobleDiffers > 0, "noble agrees by now: N-4 may be reconsidered");
  });

  it("would be broken by a backend alone: without the pre-checks libraries take what the rule refuses", async () => {
    await sodiumReady;
    // What the checks before the backend buy: the verdict does not depend on which OpenSSL this Node was built with.
    const identity = bytesOf(1n);
    const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), identity]);
    const key = createPublicKey({ key: spki, format: "der", type: "spki" });
    const forged = Buffer.concat([identity, new Uint8Array(32)]);
    const raw = [
      verify(null, MESSAGE, key, forged),
      sodium.crypto_sign_verify_detached(forged, MESSAGE, identity),
      ed25519.verify(forged, MESSAGE, identity),
    ];
    assert.ok(raw.includes(true), "no library takes the universal forgery any more");
    assert.equal(isAcceptableSignature(forged), false);
  });
});

const MESSAGE = Buffer.from("a message");

function signedRequest(): { nodeId: string; signRequest: () => Uint8Array } {
  const signer = device(9);
  const head = { seq: 1, hash: "00", at: "2026-07-01T12:00:00Z" };
  return { nodeId: signer.nodeId, signRequest: () => Buffer.from(signer.signLedgerHead(head).slice(8), "base64url") };
}

/** `R == encode([S]B − [h]A)` in big integers, with the pre-checks: the rule written down a second time. */
function byModel(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isAcceptableSignature(signature) || !isAcceptablePoint(publicKey)) return false;
  const { Point } = ed25519;
  return (
    quietly(() => {
      const a = Point.fromHex(Buffer.from(publicKey).toString("hex"));
      const h = numberOf(sha512(signature.subarray(0, 32), publicKey, message)) % L;
      const s = numberOf(signature.subarray(32));
      const sB = s === 0n ? Point.ZERO : Point.BASE.multiplyUnsafe(s);
      const hA = h === 0n ? Point.ZERO : a.multiplyUnsafe(h);
      return Buffer.compare(sB.subtract(hA).toBytes(), signature.subarray(0, 32)) === 0;
    }) ?? false
  );
}

/** A signature whose key or R carries a part of small order: what a hostile member can make, and honest software never does. */
function signWithTorsion(o: { random: (n: number) => Uint8Array; message: Uint8Array; onKey: number; onR: number }): {
  publicKey: Uint8Array;
  signature: Uint8Array;
} {
  const { Point } = ed25519;
  const a = (numberOf(o.random(32)) % (L - 1n)) + 1n;
  const r = (numberOf(o.random(32)) % (L - 1n)) + 1n;
  const with8 = (point: InstanceType<typeof Point>, n: number): Uint8Array =>
    (n === 0 ? point : point.add(TORSION.multiplyUnsafe(BigInt(n)))).toBytes();
  const publicKey = with8(Point.BASE.multiplyUnsafe(a), o.onKey);
  const R = with8(Point.BASE.multiplyUnsafe(r), o.onR);
  const h = numberOf(sha512(R, publicKey, o.message)) % L;
  return { publicKey, signature: Buffer.concat([R, bytesOf((r + h * a) % L)]) };
}

function sha512(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha512");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
