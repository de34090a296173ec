import type { CommunityId, InviteBlob, NodeId } from "../../contract/index.ts";
import {
  decodeBase64url,
  encodeBase64url,
  formatTime,
  HnError,
  isTime,
  isUlid,
  parseStrictJson,
  parseTime,
} from "../../foundation/index.ts";
import { canonicalBytes } from "../canonical/write.ts";
import { isNodeId } from "../node-id.ts";
import type { Signer } from "../sign/signer.ts";
import { verifyBytes, verifyTyped } from "../sign/verify.ts";

const PREFIX = "hearthnet://v1/";
const LEGACY_PREFIX = "hn1:";
const TEXT_MAX = 4096;
const KEYS = new Set([
  "schema_version",
  "community_id",
  "community_name",
  "inviter_node_id",
  "invitee_node_id",
  "initial_level",
  "bootstrap_endpoints",
  "expires_at",
  "invite_event_id",
  "signature",
]);

export type InviteFacts = Omit<InviteBlob, "schema_version" | "inviter_node_id" | "signature">;

/** @returns the blob and the text that a person passes on @source 01 §7 */
export function createInvite(signer: Signer, facts: InviteFacts): { blob: InviteBlob; text: string } {
  const blob = signer.signInvite({ schema_version: 1, inviter_node_id: signer.nodeId, ...facts });
  return { blob, text: PREFIX + encodeBase64url(canonicalBytes(blob)) };
}

/**
 * Reads and verifies what a person pasted or scanned.
 * @param o.now  Unix ms · `o.me`  the device that redeems it
 * @throws bad_request invite_invalid · expired invite_expired · unauthorized invitee_mismatch
 * @source 01 §7, I-14
 */
export function readInvite(text: string, o: { now: number; me?: NodeId }): InviteBlob {
  const blob = decode(text.trim());
  if (parseTime(blob.expires_at) <= o.now) throw new HnError("expired", { reason: "invite_expired" });
  if (o.me !== undefined && blob.invitee_node_id !== o.me) throw new HnError("unauthorized", { reason: "invitee_mismatch" });
  return blob;
}

function decode(text: string): InviteBlob {
  try {
    if (text.length > TEXT_MAX) throw new Error("too long");
    if (text.startsWith(LEGACY_PREFIX)) return decodeLegacy(text.slice(LEGACY_PREFIX.length));
    if (!text.startsWith(PREFIX)) throw new Error("unknown form");
    const value = parseStrictJson(decodeBase64url(text.slice(PREFIX.length)), { maxBytes: TEXT_MAX, maxDepth: 4 });
    const blob = value as unknown as InviteBlob;
    if (!hasShape(blob) || !verifyTyped("invite", blob, { by: blob.inviter_node_id })) throw new Error("shape or signature");
    return blob;
  } catch (cause) {
    throw new HnError("bad_request", { reason: "invite_invalid", cause });
  }
}

function hasShape(blob: InviteBlob): boolean {
  if (typeof blob !== "object" || blob === null || Array.isArray(blob) || Object.keys(blob).some((key) => !KEYS.has(key)))
    return false;
  const ids = isNodeId(blob.community_id) && isNodeId(blob.inviter_node_id) && isNodeId(blob.invitee_node_id);
  const named =
    typeof blob.community_name === "string" && blob.community_name.length >= 1 && [...blob.community_name].length <= 64;
  const level = blob.initial_level === "member" || blob.initial_level === "trusted";
  const event = blob.invite_event_id === undefined || isUlid(blob.invite_event_id);
  return (
    blob.schema_version === 1 &&
    ids &&
    named &&
    level &&
    event &&
    isTime(blob.expires_at) &&
    Array.isArray(blob.bootstrap_endpoints) &&
    blob.bootstrap_endpoints.length <= 16 &&
    blob.bootstrap_endpoints.every(isEndpoint)
  );
}

function isEndpoint(e: unknown): boolean {
  if (typeof e !== "object" || e === null) return false;
  const { transport, host, port, ...rest } = e as Record<string, unknown>;
  return (
    Object.keys(rest).length === 0 &&
    typeof transport === "string" &&
    typeof host === "string" &&
    host.length >= 1 &&
    host.length <= 255 &&
    Number.isInteger(port) &&
    (port as number) > 0 &&
    (port as number) < 65_536
  );
}

interface LegacyInvite {
  cid: CommunityId;
  cn: string;
  inv: NodeId;
  tee: NodeId;
  iat: number;
  exp: number;
  sig: string;
  ru?: string;
  rt?: string;
}

/** The Python node's form: accepted only with a valid signature and a named invitee. @source 01 I-14 */
function decodeLegacy(text: string): InviteBlob {
  const v = parseStrictJson(decodeBase64url(text), { maxBytes: TEXT_MAX, maxDepth: 3 }) as unknown as LegacyInvite;
  const signed = {
    community_id: v.cid,
    community_name: v.cn,
    inviter_node_id: v.inv,
    invitee_node_id: v.tee,
    issued_at: v.iat,
    expires_at: v.exp,
    ...(v.ru === undefined ? {} : { relay_url: v.ru }),
    ...(v.rt === undefined ? {} : { relay_token: v.rt }),
  };
  if (!verifyBytes(canonicalBytes(signed), { by: v.inv, signature: v.sig }) || !Number.isSafeInteger(v.exp))
    throw new Error("signature");
  const blob: InviteBlob = {
    schema_version: 1,
    community_id: v.cid,
    community_name: v.cn,
    inviter_node_id: v.inv,
    invitee_node_id: v.tee,
    initial_level: "member",
    bootstrap_endpoints: [],
    expires_at: formatTime(v.exp * 1000),
    signature: v.sig,
  };
  if (!hasShape(blob)) throw new Error("shape");
  return blob;
}
