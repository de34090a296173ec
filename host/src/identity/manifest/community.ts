import type { CommunityManifest, NodeId } from "../../contract/index.ts";
import { isTime } from "../../foundation/index.ts";
import { roundFractions } from "../canonical/fractions.ts";
import { isNodeId } from "../node-id.ts";
import type { Signer } from "../sign/signer.ts";
import { verifyTyped } from "../sign/verify.ts";
import { isList, isName } from "./shape.ts";

/** A community has at most as many members as one manifest can list. */
const MEMBERS_MAX = 10_000;
const LEVELS: ReadonlySet<unknown> = new Set(["member", "trusted", "anchor"]);

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
    ...roundFractions(facts),
  });
}

/**
 * True when the manifest is well formed and its signature is that of the signer it names; without a name, of the root key or of one of `anchors`.
 * Whether a named signer was entitled to sign is decided by the replayed log, never by the member list inside: hand in the anchors of the own
 * view, or compare `signed_by` with them afterwards.
 * @param o.anchors  anchors of the reader's own view; when given, only the root key and these count
 * @source 01 I-10
 */
export function verifyCommunityManifest(manifest: CommunityManifest, o: { anchors?: Iterable<NodeId> } = {}): boolean {
  if (!hasShape(manifest)) return false;
  const anchors = [manifest.root_key, ...(o.anchors ?? [])];
  const named = manifest.signed_by;
  if (named === undefined) return anchors.some((by) => verifyTyped("community-manifest", manifest, { by }));
  return (o.anchors === undefined || anchors.includes(named)) && verifyTyped("community-manifest", manifest, { by: named });
}

function hasShape(m: CommunityManifest): boolean {
  return (
    typeof m === "object" &&
    m !== null &&
    m.version === 1 &&
    isNodeId(m.root_key) &&
    m.community_id === m.root_key &&
    (m.signed_by === undefined || isNodeId(m.signed_by)) &&
    isName(m.name) &&
    isTime(m.created_at) &&
    Number.isSafeInteger(m.head_lamport) &&
    m.head_lamport >= 0 &&
    typeof m.policy === "object" &&
    m.policy !== null &&
    isList(m.members, MEMBERS_MAX, isMember) &&
    isList(m.revoked, MEMBERS_MAX, isRevoked)
  );
}

function isMember(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { node_id, level, added_at, added_by } = value as Record<string, unknown>;
  return isNodeId(node_id) && LEVELS.has(level) && isTime(added_at) && isNodeId(added_by);
}

function isRevoked(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { node_id, revoked_at } = value as Record<string, unknown>;
  return isNodeId(node_id) && isTime(revoked_at);
}
