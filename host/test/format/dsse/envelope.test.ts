import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import {
  claimedKeyIds,
  createPublisherKey,
  fromKeyObject,
  openPublisherKey,
  PACKAGE_PAYLOAD_TYPE,
  readPublisherKey,
  signDsse,
  verifyDsse,
  type PackagePayload,
} from "../../../src/format/index.ts";
import { refusal } from "../../support/people.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const KEY = fromKeyObject(publicKey);
const OTHER = fromKeyObject(generateKeyPairSync("ed25519").publicKey);
const PAYLOAD: PackagePayload = {
  id: "acme/echo",
  version: "1.0.0",
  manifestSha256: "1".repeat(64),
  filesSha256: "2".repeat(64),
  entries: 3,
  unpackedBytes: 4096,
};
const envelope = signDsse(PAYLOAD, privateKey);

interface Envelope {
  payloadType: string;
  payload: string;
  signatures: { keyid: string; sig: string }[];
}
/** The envelope with something changed. */
function changed(change: (value: Envelope) => void): Uint8Array {
  const value = JSON.parse(Buffer.from(envelope).toString()) as Envelope;
  change(value);
  return Buffer.from(JSON.stringify(value));
}

describe("what a publisher vouches for (marketplace §2.1)", () => {
  it("comes back when one of the allowed keys has signed it", () => {
    const { payload, keyId } = verifyDsse(envelope, [OTHER, KEY]);
    assert.deepEqual({ ...payload }, PAYLOAD);
    assert.equal(keyId, KEY.keyId);
    assert.deepEqual(claimedKeyIds(envelope), [KEY.keyId]);
  });

  it("is the wrong key's when nobody of the allowed has signed, whatever the envelope claims", () => {
    assert.throws(() => verifyDsse(envelope, [OTHER]), refusal("invalid_signature", "wrong_key"));
    assert.throws(() => verifyDsse(envelope, []), refusal("invalid_signature", "wrong_key"));
    const claimed = changed(({ signatures }) => Object.assign(signatures[0] ?? {}, { keyid: OTHER.keyId }));
    assert.throws(() => verifyDsse(claimed, [OTHER]), refusal("invalid_signature", "tampered"));
  });

  it("is tampered when the statement, its type's reading or the signature differs", () => {
    const other = Buffer.from(JSON.stringify({ ...PAYLOAD, version: "1.0.1" })).toString("base64");
    for (const change of [
      (value: Envelope) => (value.payload = other),
      (value: Envelope) => (value.payload = `${value.payload.slice(0, -4)}AAAA`),
      (value: Envelope) => Object.assign(value.signatures[0] ?? {}, { sig: Buffer.alloc(64).toString("base64") }),
      (value: Envelope) => Object.assign(value.signatures[0] ?? {}, { sig: "" }),
    ])
      assert.throws(() => verifyDsse(changed(change), [KEY]), refusal("invalid_signature", "tampered"));
  });

  it("is unsigned when no signature can be read", () => {
    for (const bytes of [
      Buffer.from(""),
      Buffer.from("{}"),
      changed((value) => (value.signatures = [])),
      changed((value) => (value.signatures = Array.from({ length: 9 }, () => ({ keyid: "a", sig: "b" })))),
      changed((value) => (value.payloadType = "text/plain")),
      changed((value) => Object.assign(value, { payload: 7 })),
      Buffer.from(`{"x":"${"x".repeat(20_000)}"}`),
    ])
      assert.throws(() => verifyDsse(bytes, [KEY]), refusal("invalid_signature", "unsigned"));
    assert.equal((JSON.parse(Buffer.from(envelope).toString()) as Envelope).payloadType, PACKAGE_PAYLOAD_TYPE);
  });
});

describe("a publisher's key (plugin-platform §9)", () => {
  it("opens with its passphrase, stray line ends or not, and belongs to its public half", () => {
    const { privatePem, publicPem, key } = createPublisherKey("a long passphrase");
    assert.match(privatePem, /ENCRYPTED/);
    assert.deepEqual(readPublisherKey(`\n${publicPem}\n`), key);
    assert.equal(
      verifyDsse(signDsse(PAYLOAD, openPublisherKey(`\n\n${privatePem}  `, "a long passphrase")), [key]).keyId,
      key.keyId,
    );
    for (const wrong of ["another", "", null])
      assert.throws(() => openPublisherKey(privatePem, wrong), refusal("unauthorized", "passphrase_wrong"));
  });

  it("is an Ed25519 key and nothing else", () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    assert.throws(() => fromKeyObject(rsa.publicKey), refusal("bad_request"));
    for (const pem of ["", "hello", rsa.publicKey.export({ type: "spki", format: "pem" })])
      assert.throws(() => readPublisherKey(pem), refusal("bad_request"));
    for (const pem of ["", "hello", rsa.privateKey.export({ type: "pkcs8", format: "pem" })])
      assert.throws(() => openPublisherKey(pem, null), refusal("bad_request"));
  });
});
