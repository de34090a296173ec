import { CONSTANTS, type NodeId, type NodeManifest } from "../../contract/index.ts";
import { formatTime, HnError, parseStrictJson, parseTime } from "../../foundation/index.ts";
import { roundFractions } from "../canonical/fractions.ts";
import { parseNodeId } from "../node-id.ts";
import type { Signer } from "../sign/signer.ts";
import { verifyTyped } from "../sign/verify.ts";
import { asFirstGeneration } from "./first-generation.ts";
import { hasManifestShape } from "./shape.ts";
import { verifySixDigits } from "./six-digits.ts";

const TTL_MS = CONSTANTS.MANIFEST_TTL_SECONDS * 1000;
/** Clock tolerance for devices without NTP. @source 01 I-7 */
const TOLERANCE_MS = CONSTANTS.SIGNED_REQUEST_SKEW_SECONDS * 1000;

export type ManifestFacts = Omit<
  NodeManifest,
  "version" | "contract_version" | "issued_at" | "expires_at" | "signature" | "node_id"
>;

/**
 * Signs what this node says about itself, valid 30 s. Fractions are rounded to what may be signed (I-5).
 * @param o.now  Unix ms; the same value for both forms, so that they share one `issued_at` (I-16)
 * @source 01 §5
 */
export function buildManifest(signer: Signer, o: { facts: ManifestFacts; now: number }): NodeManifest {
  return signer.signNodeManifest({
    ...roundFractions(o.facts),
    version: 1,
    contract_version: "2.0",
    node_id: signer.nodeId,
    ...lifetime(o.now),
  });
}

/** Separately built and signed for peers of the first generation: nothing of the second shows. @source 01 §8 */
export function buildManifestV1(signer: Signer, o: { facts: ManifestFacts; now: number }): NodeManifest {
  return signer.signNodeManifest({
    ...roundFractions(asFirstGeneration(o.facts)),
    version: 1,
    contract_version: "1.0",
    node_id: signer.nodeId,
    ...lifetime(o.now),
  });
}

export interface ManifestMemory {
  /** Unix ms of the last accepted `issued_at` of that node, and its contract. */
  last(node: NodeId): { issuedAt: number; contract: string } | undefined;
  accept(node: NodeId, entry: { issuedAt: number; contract: string }): void;
}

/**
 * Steps 1 to 6 of 01 §5 in their order; whose community it is (step 7) is for the caller to judge, and freshness counts from now on the
 * caller's monotonic clock (I-7).
 * @param bytes  body of `GET /manifest`
 * @throws bad_request (bad_manifest, bad_node_id, json_…, too_large) · schema_mismatch · invalid_signature · expired
 * @source 01 §5, I-5, I-7, I-16
 */
export function verifyManifest(bytes: Uint8Array, o: { now: number; expected?: NodeId; memory: ManifestMemory }): NodeManifest {
  const value = parseStrictJson(bytes, { maxBytes: CONSTANTS.MANIFEST_MAX_BYTES });
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad();
  const manifest = value as unknown as NodeManifest;
  if (manifest.version !== 1 || !hasManifestShape(manifest)) throw bad();
  if (typeof manifest.contract_version !== "string" || !/^[12]\.(0|[1-9]\d*)$/.test(manifest.contract_version))
    throw new HnError("schema_mismatch", { reason: "contract_version" });
  parseNodeId(manifest.node_id);
  if (o.expected !== undefined && manifest.node_id !== o.expected)
    throw new HnError("invalid_signature", { reason: "tls_mismatch" });
  const genuine = verifyTyped("node-manifest", manifest, { by: manifest.node_id })
    ? manifest
    : verifySixDigits(manifest, manifest.node_id);
  if (genuine === null) throw new HnError("invalid_signature", { reason: "bad_manifest" });
  checkFresh(genuine, o);
  return genuine;
}

function checkFresh(manifest: NodeManifest, o: { now: number; memory: ManifestMemory }): void {
  const issuedAt = parseTime(manifest.issued_at);
  if (parseTime(manifest.expires_at) - issuedAt !== TTL_MS || Math.abs(issuedAt - o.now) > TOLERANCE_MS)
    throw new HnError("expired", { reason: "clock_skew" });
  const last = o.memory.last(manifest.node_id);
  if (last !== undefined) {
    if (issuedAt < last.issuedAt)
      throw new HnError("expired", { message: "The node's self-description is older than one already seen." });
    // A 1.0 twin of a 2.0 manifest we know is a downgrade, not news.
    if (last.contract === "2.0" && manifest.contract_version === "1.0" && issuedAt - last.issuedAt < TTL_MS)
      throw new HnError("expired", { message: "A newer form of this self-description was seen already." });
  }
  o.memory.accept(manifest.node_id, { issuedAt, contract: manifest.contract_version });
}

function lifetime(now: number): { issued_at: string; expires_at: string } {
  const issued = Math.floor(now / 1000) * 1000;
  return { issued_at: formatTime(issued), expires_at: formatTime(issued + TTL_MS) };
}

function bad(): HnError {
  return new HnError("bad_request", { reason: "bad_manifest" });
}
