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
import { isEndpoint, isList, isName } from "../manifest/shape.ts";
import { isNodeId } from "../node-id.ts";
import type { Signer } from "../sign/signer.ts";
import { verifyBytes, verifyTyped } from "../sign/verify.ts";

const PREFIX = "hearthnet://v1/";
const LEGACY_PREFIX = "hn1:";
const TEXT_MAX = 4096;
const DEPTH_MAX = 8;
const ENDPOINTS_MAX = 16;
export type InviteFacts = Omit<InviteBlob, "schema_version" | "inviter_node_id" | "signature">;

/**
 * Signs an invitation that `readInvite` will take.
 * @returns the blob and the text that a person passes on
 * @throws bad_request invite_invalid when a fact is missing or out of bounds
 * @source 01 §7, I-14
 */
export function createInvite(signer: Signer, facts: InviteFacts): { blob: InviteBlob; text: string } {
  const blob = signer.signInvite({ schema_version: 1, inviter_node_id: signer.nodeId, ...facts });
  const text = PREFIX + encodeBase64url(canonicalBytes(blob));
  if (hasShape(blob) && text.length <= TEXT_MAX) return { blob, text };
  throw new HnError("bad_request", {
    reason: "invite_invalid",
    message: "The invitation would not be readable: a name, level, address or id in it is out of bounds.",
    action: "Check the device id and the addresses of this node, then invite again.",
  });
}

/**
 * Reads and verifies what a person pasted or scanned.
 * @param o.now  Unix ms · `o.me`  the device that redeems it
 * @throws bad_request invite_invalid · expired invite_expired · unauthorized invitee_mismatch
 * @source 01 §7, I-14
 */
export function readInvite(text: string, o: { now: number; me?: NodeId }): InviteBlob {
  const blob = decode(text);
  if (parseTime(blob.expires_at) <= o.now) throw new HnError("expired", { reason: "invite_expired" });
  if (o.me !== undefined && blob.invitee_node_id !== o.me) throw new HnError("unauthorized", { reason: "invitee_mismatch" });
  return blob;
}

function decode(given: string): InviteBlob {
  try {
    if (typeof given !== "string" || given.length > TEXT_MAX * 2) throw new Error("too long");
    // Mail programs break long lines; white space means nothing in any of the forms.
    const text = given.replace(/\s+/g, "");
    if (text.length > TEXT_MAX) throw new Error("too long");
    if (text.startsWith(LEGACY_PREFIX)) return decodeLegacy(text.slice(LEGACY_PREFIX.length));
    if (!text.startsWith(PREFIX)) throw new Error("unknown form");
    const value = parseStrictJson(decodeBase64url(text.slice(PREFIX.length)), { maxBytes: TEXT_MAX, maxDepth: DEPTH_MAX });
    const blob = value as unknown as InviteBlob;
    if (!hasShape(blob) || !verifyTyped("invite", blob, { by: blob.inviter_node_id })) throw new Error("shape or signature");
    return blob;
  } catch (cause) {
    throw new HnError("bad_request", { reason: "invite_invalid", cause });
  }
}

/** Unknown members are allowed: they belong to a later version, and the signature covers them (01 §4). */
function hasShape(blob: InviteBlob): boolean {
  return (
    typeof blob === "object" &&
    blob !== null &&
    blob.schema_version === 1 &&
    isNodeId(blob.community_id) &&
    isNodeId(blob.inviter_node_id) &&
    isNodeId(blob.invitee_node_id) &&
    isName(blob.community_name) &&
    (blob.initial_level === "member" || blob.initial_level === "trusted") &&
    (blob.invite_event_id === undefined || isUlid(blob.invite_event_id)) &&
    isTime(blob.expires_at) &&
    isList(blob.bootstrap_endpoints, ENDPOINTS_MAX, isEndpoint)
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
  const v = parseStrictJson(decodeBase64url(text), { maxBytes: TEXT_MAX, maxDepth: 2 }) as unknown as LegacyInvite;
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
    expires_at: formatTime(v.exp * 1000), // a RangeError for a date beyond the calendar is caught by the caller
    signature: v.sig,
  };
  if (!hasShape(blob)) throw new Error("shape");
  return blob;
}
