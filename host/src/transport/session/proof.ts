import { decodeBase64url, encodeBase64url, HnError } from "../../foundation/index.ts";
import { verifyTyped } from "../../identity/index.ts";
import type { NodeId, PeerSeal, SessionProof } from "../../contract/index.ts";
import { leafOf, pathOf, rootFromPath } from "./merkle.ts";
import type { SealedLeaves } from "./seal.ts";

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
