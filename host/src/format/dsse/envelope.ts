import { createPublicKey, type KeyObject, sign } from "node:crypto";
import type { JsonObject } from "../../contract/index.ts";
import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { canonicalBytes, formatNodeId, formatSignature, verifyBytes } from "../../identity/index.ts";
import { fromKeyObject, type PublisherKey } from "./publisher-key.ts";

export const PACKAGE_PAYLOAD_TYPE = "application/vnd.hearthnet.package.v1+json";
const ENVELOPE_MAX_BYTES = 16_384;

interface Envelope {
  payloadType: string;
  /** base64 */
  payload: string;
  signatures: { keyid: string; sig: string }[];
}

/** What a publisher vouches for. Paths, sizes and modes of all files are inside `filesSha256`. @source marketplace §2.1 */
export interface PackagePayload {
  id: string;
  version: string;
  manifestSha256: string;
  filesSha256: string;
  entries: number;
  unpackedBytes: number;
}

/** DSSE pre-authentication encoding. */
function preAuth(type: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.byteLength} `), payload]);
}

/** @returns `sig/publisher.dsse.json` */
export function signDsse(payload: PackagePayload, key: KeyObject): Uint8Array {
  const body = canonicalBytes(payload);
  const envelope: Envelope = {
    payloadType: PACKAGE_PAYLOAD_TYPE,
    payload: Buffer.from(body).toString("base64"),
    signatures: [
      {
        keyid: fromKeyObject(createPublicKey(key)).keyId,
        sig: sign(null, preAuth(PACKAGE_PAYLOAD_TYPE, body), key).toString("base64"),
      },
    ],
  };
  return canonicalBytes(envelope);
}

/**
 * Checks an envelope against the keys that may sign here.
 * @throws invalid_signature unsigned (no readable signature) | wrong_key (none of the allowed keys signed) | tampered (an allowed key's signature does not fit)
 * @source marketplace §2.1, §5.1
 */
export function verifyDsse(bytes: Uint8Array, allowed: readonly PublisherKey[]): { payload: PackagePayload; keyId: string } {
  const envelope = readEnvelope(bytes);
  const body = Buffer.from(envelope.payload, "base64");
  for (const { keyid, sig } of envelope.signatures) {
    const key = allowed.find((candidate) => candidate.keyId === keyid);
    if (key === undefined) continue;
    const signature = Buffer.from(sig, "base64");
    const genuine =
      signature.byteLength === 64 &&
      verifyBytes(preAuth(PACKAGE_PAYLOAD_TYPE, body), {
        by: formatNodeId(key.publicKey),
        signature: formatSignature(signature),
      });
    if (!genuine)
      throw new HnError("invalid_signature", {
        reason: "tampered",
        message: "The publisher's signature does not fit the package.",
      });
    return { payload: readPayload(body), keyId: keyid };
  }
  throw new HnError("invalid_signature", { reason: "wrong_key" });
}

/** Key ids that an envelope names, unverified; for saying who claims to have signed. */
export function claimedKeyIds(bytes: Uint8Array): string[] {
  return readEnvelope(bytes).signatures.map((s) => s.keyid);
}

function readEnvelope(bytes: Uint8Array): Envelope {
  try {
    const value = parseStrictJson(bytes, { maxBytes: ENVELOPE_MAX_BYTES, maxDepth: 6 }) as unknown as Envelope;
    const sound =
      value.payloadType === PACKAGE_PAYLOAD_TYPE &&
      Array.isArray(value.signatures) &&
      value.signatures.length > 0 &&
      value.signatures.length <= 8 &&
      value.signatures.every((s) => typeof s?.keyid === "string" && isBase64(s.sig)) &&
      isBase64(value.payload);
    if (!sound) throw new Error("shape");
    // One spelling only: nothing in a package can be altered without being noticed, its signature's own file included.
    const { payloadType, payload, signatures } = value;
    const said = canonicalBytes({ payloadType, payload, signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig })) });
    if (Buffer.compare(said, bytes) !== 0) throw new Error("spelling");
    return value;
  } catch (cause) {
    throw new HnError("invalid_signature", { reason: "unsigned", cause });
  }
}

/** As `Buffer` would write it: no spare bits, no missing or odd padding. */
function isBase64(value: unknown): boolean {
  return typeof value === "string" && Buffer.from(value, "base64").toString("base64") === value;
}

function readPayload(body: Uint8Array): PackagePayload {
  const value = parseStrictJson(body, { maxBytes: 4096, maxDepth: 2 }) as JsonObject;
  const { id, version, manifestSha256, filesSha256, entries, unpackedBytes } = value;
  if (
    [id, version, manifestSha256, filesSha256].some((v) => typeof v !== "string") ||
    [entries, unpackedBytes].some((v) => typeof v !== "number")
  )
    throw new HnError("invalid_signature", { reason: "tampered", message: "The signed statement in the package is incomplete." });
  return value as unknown as PackagePayload;
}
