import type { CommunityManifest } from "../../contract/index.ts";
import { parseNodeId } from "../node-id.ts";
import type { Signer } from "../sign/signer.ts";
import { verifyTyped } from "../sign/verify.ts";

export type CommunityFacts = Pick<
  CommunityManifest,
  "community_id" | "name" | "created_at" | "policy" | "members" | "revoked" | "head_lamport"
>;

/** Says who signed it: without that, a reader would have to try every anchor. @source 01 §6, I-10 */
export function buildCommunityManifest(signer: Signer, facts: CommunityFacts): CommunityManifest {
  return signer.signCommunityManifest({
    version: 1,
    root_key: facts.community_id,
    lamport_at_creation: 0,
    signed_by: signer.nodeId,
    ...facts,
  });
}

/**
 * True when the named signer (or the root key) signed it. Whether that signer was entitled to is decided by the replayed log, never by the
 * member list inside. @source 01 I-10
 */
export function verifyCommunityManifest(manifest: CommunityManifest): boolean {
  try {
    parseNodeId(manifest.root_key);
    return (
      manifest.version === 1 &&
      manifest.community_id === manifest.root_key &&
      verifyTyped("community-manifest", manifest, { by: manifest.signed_by ?? manifest.root_key })
    );
  } catch {
    return false;
  }
}
