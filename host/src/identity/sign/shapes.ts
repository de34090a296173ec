import type { NodeId } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

interface Shape {
  /** Keys that must be there. */
  required: readonly string[];
  /** Further keys that we ourselves may sign. */
  optional?: readonly string[];
  /** Others' objects may carry keys of a later version; they are covered by the signature. */
  open?: true;
  /** Member that names the signer. */
  signer?: string;
  /** Value of `type`. */
  tag?: string;
}

/** What can be signed: the names of the closed shapes below. */
export type SignedKind =
  | "event"
  | "snapshot"
  | "node-manifest"
  | "community-manifest"
  | "request"
  | "response"
  | "stream"
  | "invite"
  | "cosign"
  | "plugin-sig"
  | "federation-manifest"
  | "ledger"
  | "anchor-cert"
  | "dht-request"
  | "dht-reply"
  | "dht-value"
  | "peer-auth"
  | "peer-seal"
  | "token";

/** Everything the device key ever signs besides its own certificate; nothing is added without a spec decision. @source 00 G-1 */
const SHAPES: Record<SignedKind, Shape> = {
  event: {
    required: ["author", "community_id", "data", "event_id", "event_type", "lamport", "schema_version", "wall_clock"],
    signer: "author",
  },
  snapshot: {
    required: ["author", "community_id", "covers_events_up_to", "lamport", "schema_version", "state", "wall_clock"],
    signer: "author",
  },
  "node-manifest": {
    required: [
      "capabilities",
      "community_id",
      "contract_version",
      "display_name",
      "endpoints",
      "expires_at",
      "issued_at",
      "node_id",
      "version",
    ],
    optional: ["features", "hardware", "load", "profile", "relays", "uptime_seconds"],
    open: true,
    signer: "node_id",
  },
  "community-manifest": {
    required: ["community_id", "created_at", "head_lamport", "members", "name", "policy", "revoked", "root_key", "version"],
    optional: ["lamport_at_creation", "signed_by"],
    open: true,
  },
  request: {
    required: ["body", "capability", "community", "from", "request_id", "timestamp", "version"],
    optional: ["to"],
    signer: "from",
  },
  response: { required: ["body", "from", "request_id", "status", "timestamp", "to"], signer: "from" },
  stream: { required: ["digest", "frames", "from", "request_id", "terminal", "timestamp", "to"], signer: "from" },
  invite: {
    required: [
      "bootstrap_endpoints",
      "community_id",
      "expires_at",
      "initial_level",
      "invitee_node_id",
      "inviter_node_id",
      "schema_version",
    ],
    optional: ["community_name", "invite_event_id"],
    open: true,
    signer: "inviter_node_id",
  },
  cosign: { required: ["action", "community_id", "data", "type"], tag: "hearthnet.cosign.v1" },
  "plugin-sig": { required: ["payload", "plugin", "type"], tag: "hearthnet.plugin-sig.v1" },
  "federation-manifest": {
    required: [
      "bootstrap_endpoints_a",
      "bootstrap_endpoints_b",
      "community_a",
      "community_b",
      "established_at",
      "expires_at",
      "federation_id",
      "schema_version",
      "scope",
      "type",
    ],
    optional: ["name_a", "name_b"],
    tag: "hearthnet.federation.manifest",
  },
  "anchor-cert": { required: ["community_id", "node_id", "not_after", "type"], tag: "hearthnet.anchor-cert.v1" },
  // A reply always carries what was asked for, which a request never does; 06 H-2.
  "dht-request": {
    required: ["from", "timestamp", "trace_id"],
    optional: ["endpoint", "k", "key", "kind", "to", "value"],
    signer: "from",
  },
  "dht-reply": {
    required: ["from", "timestamp", "trace_id"],
    optional: ["closer", "endpoint", "pong", "reason", "stored", "values"],
    signer: "from",
  },
  "dht-value": {
    required: ["expires_at", "issued_at", "kind", "node_id", "v"],
    optional: ["anchor_node_ids", "cid", "community_id", "endpoints", "last_seen", "manifest_url", "root_proof", "via_relay"],
    open: true,
    signer: "node_id",
  },
  ledger: { required: ["at", "hash", "seq", "type"], tag: "hearthnet.ledger.v1" },
  "peer-auth": {
    required: ["from", "role", "th", "to", "type"],
    optional: ["code", "server_time"],
    signer: "from",
    tag: "hearthnet.peer-auth.v1",
  },
  "peer-seal": {
    required: ["community", "count", "first", "from", "n", "prev", "root", "session", "time", "to", "type"],
    signer: "from",
    tag: "hearthnet.peer-seal.v1",
  },
  // Signed as the text that travels, never in the canonical form; 05 §1.
  token: {
    required: ["aud", "exp", "iat", "iss", "issued_via", "jti", "nbf", "scope", "sub"],
    optional: ["act", "aud_node"],
    signer: "iss",
  },
};

/**
 * The wire forms carry no domain tag; their disjoint keys are what keeps a request from passing as an event.
 * @param o.by  whose signature it is; must be the one that the object names
 * @param o.closed  for our own signatures: no key beyond those that the kind knows
 * @throws bad_request
 */
export function checkShape(kind: SignedKind, value: object, o: { by: NodeId; closed?: boolean }): void {
  const shape = SHAPES[kind];
  for (const key of shape.required) if (!Object.hasOwn(value, key)) throw wrong(`The field ${key} is missing.`);
  const members = value as Record<string, unknown>;
  if (shape.tag !== undefined && members["type"] !== shape.tag) throw wrong(`The field type must be ${shape.tag}.`);
  if (shape.signer !== undefined && members[shape.signer] !== o.by)
    throw wrong(`The field ${shape.signer} must name the signer.`);
  if (o.closed !== true && shape.open === true) return;
  for (const key of Object.keys(value))
    if (members[key] !== undefined && !shape.required.includes(key) && shape.optional?.includes(key) !== true)
      throw wrong(`The field ${key} does not belong here.`);
}

function wrong(message: string): HnError {
  return new HnError("bad_request", { message });
}
