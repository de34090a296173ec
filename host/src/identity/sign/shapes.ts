import { HnError } from "../../foundation/index.ts";

/** Everything the device key ever signs besides its own certificate; nothing is added without a spec decision. @source 00 G-1 */
export const SIGNED_KINDS = {
  event: ["author", "community_id", "data", "event_id", "event_type", "lamport", "schema_version", "wall_clock"],
  "node-manifest": [
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
  "community-manifest": [
    "community_id",
    "created_at",
    "head_lamport",
    "members",
    "name",
    "policy",
    "revoked",
    "root_key",
    "version",
  ],
  request: ["body", "capability", "community", "from", "request_id", "timestamp", "version"],
  response: ["body", "from", "request_id", "status", "timestamp", "to"],
  stream: ["digest", "frames", "from", "request_id", "terminal", "timestamp", "to"],
  invite: [
    "bootstrap_endpoints",
    "community_id",
    "expires_at",
    "initial_level",
    "invitee_node_id",
    "inviter_node_id",
    "schema_version",
  ],
  cosign: ["action", "community_id", "data", "type"],
  "plugin-sig": ["payload", "plugin", "type"],
  ledger: ["at", "hash", "seq", "type"],
} as const;

export type SignedKind = keyof typeof SIGNED_KINDS;

const TYPE_TAGS: Partial<Record<SignedKind, string>> = {
  cosign: "hearthnet.cosign.v1",
  "plugin-sig": "hearthnet.plugin-sig.v1",
  ledger: "hearthnet.ledger.v1",
};

/**
 * The wire forms carry no domain tag; their disjoint required keys are what keeps a request from passing as an event.
 * @throws bad_request
 */
export function checkShape(kind: SignedKind, value: object): void {
  for (const key of SIGNED_KINDS[kind])
    if (!Object.hasOwn(value, key)) throw new HnError("bad_request", { message: `The field ${key} is missing.` });
  const tag = TYPE_TAGS[kind];
  if (tag !== undefined && (value as { type?: unknown }).type !== tag)
    throw new HnError("bad_request", { message: `The field type must be ${tag}.` });
}
