import { decodeBase64url, encodeBase64url, HnError } from "../../foundation/index.ts";
import { verifyTyped } from "../../identity/index.ts";
import type { JsonValue, NodeId, PeerSeal, ProvenCall, SessionProof } from "../../contract/index.ts";
import { leafOf, pathOf, rootFromPath } from "./merkle.ts";
import { KIND } from "./frame.ts";
import { jsonOf, readRecords, TYPE } from "./record.ts";
import type { SealedLeaves } from "./seal.ts";
import { readCallFacts } from "./served-call.ts";

/** Deeper than any tree of one seal. */
const PATH_MAX = 32;

/**
 * Everything that a third party needs to see who said this record to whom.
 * @throws not_found when these leaves do not hold the record
 * @source network.md §1.6 "Export"
 */
export function exportProof(sealed: SealedLeaves, record: Uint8Array): SessionProof {
  const leaf = leafOf(record);
  const index = sealed.leaves.findIndex((other) => other.equals(leaf));
  if (index < 0) throw new HnError("not_found", { message: "No seal that is kept here covers this record." });
  return {
    type: "hearthnet.session-proof.v1",
    seal: sealed.seal,
    signature: sealed.signature,
    index,
    path: pathOf(sealed.leaves, index).map(encodeBase64url),
    record: encodeBase64url(record),
  };
}

/**
 * Whether `by` has said the record: signature, then leaf and path, then root. Needs nothing but the proof and the signer's id.
 * @returns the seal, which names session, both nodes and community, or null
 */
export function verifyProof(proof: SessionProof, by: NodeId): PeerSeal | null {
  try {
    const { seal, signature, index, path, record } = proof;
    if (proof.type !== "hearthnet.session-proof.v1" || path.length > PATH_MAX) return null;
    if (!verifyTyped("peer-seal", seal, { by, signature })) return null;
    const leaf = leafOf(decodeBase64url(record));
    const root = rootFromPath({ leaf, index, count: seal.count, path: path.map((text) => decodeBase64url(text, 32)) });
    return root !== null && encodeBase64url(root) === seal.root ? seal : null;
  } catch {
    return null;
  }
}

/** What a proof shows, when it holds and is of a call in one record. Takes whatever somebody calls a proof. @returns null for anything else */
export function readProof(value: JsonValue): ProvenCall | null {
  const proof = Object(value) as SessionProof;
  const { from: by } = Object(proof.seal) as Partial<PeerSeal>;
  const seal = verifyProof(proof, String(by));
  if (seal === null) return null;
  try {
    const [record] = readRecords(Buffer.from(decodeBase64url(proof.record)), { kind: KIND.data, sealed: false });
    if (record?.type !== TYPE.call || record.flags !== 0) return null;
    const { capability, requestId: request_id, body } = readCallFacts(jsonOf(record.body));
    if (typeof body !== "object" || body === null || Array.isArray(body)) return null;
    const { from, to, community, time } = seal;
    return { from, to, community, time, capability, request_id, body };
  } catch {
    return null;
  }
}
