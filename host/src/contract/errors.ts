/**
 * The one table of error codes. Codes on the wire are the closed set of spec 02 §5; `LOCAL_ERRORS` never leave the node.
 * `message` says what happened and what it means, `action` what to do next; both are for people, in English. Pages translate by code and reason.
 */
import type { NodeId, Time } from "./ids.ts";

export type RetryRule = "no" | "backoff" | "after" | "idempotent";

export interface ErrorRow {
  /** HTTP status of the wire form. */
  status: number;
  retry: RetryRule;
  /** Protocol generation that introduced the code. */
  since: "v1" | "v2";
  message: string;
  action: string;
}

/** @source 02 §5, T-11 */
export const ERRORS = {
  bad_request: {
    status: 400,
    retry: "no",
    since: "v1",
    message: "The request is malformed.",
    action: "Correct the named field and send it again.",
  },
  schema_mismatch: {
    status: 400,
    retry: "no",
    since: "v1",
    message: "The request does not fit the capability's schema.",
    action: "Compare the fields with the capability's schema; an older or newer version may fit.",
  },
  invalid_signature: {
    status: 401,
    retry: "no",
    since: "v1",
    message: "A signature, its recipient or its freshness could not be confirmed.",
    action: "Send a new request signed by this node's own key; never repeat an old one.",
  },
  unauthorized: {
    status: 401,
    retry: "no",
    since: "v1",
    message: "You are not allowed to do this.",
    action: "Ask a trusted member of the community, or sign in with more rights.",
  },
  revoked: {
    status: 403,
    retry: "no",
    since: "v1",
    message: "This key was revoked.",
    action: "Ask the community for a new invitation with a new identity.",
  },
  not_found: {
    status: 404,
    retry: "no",
    since: "v1",
    message: "Nothing by that name is here.",
    action: "Check the spelling, or list what is available.",
  },
  timeout: {
    status: 408,
    retry: "backoff",
    since: "v1",
    message: "No answer came in time.",
    action: "Try again, with more time if the work is large.",
  },
  expired: {
    status: 410,
    retry: "no",
    since: "v1",
    message: "This is too old to be accepted.",
    action: "Make a new one and check the clock of this device.",
  },
  rate_limited: {
    status: 429,
    retry: "after",
    since: "v1",
    message: "Too many calls in a short time.",
    action: "Wait for the stated time, then try again.",
  },
  capacity_exceeded: {
    status: 429,
    retry: "after",
    since: "v1",
    message: "Every place is taken at the moment.",
    action: "Wait for the stated time, or use another node.",
  },
  internal_error: {
    status: 500,
    retry: "idempotent",
    since: "v1",
    message: "Something broke inside the node.",
    action: "Look into the node's log under the trace id; trying again may help.",
  },
  not_implemented: {
    status: 501,
    retry: "no",
    since: "v1",
    message: "This is declared here but nothing stands behind it.",
    action: "Install or configure the missing part.",
  },
  partition: {
    status: 503,
    retry: "backoff",
    since: "v1",
    message: "The other node cannot be reached.",
    action: "Check that it is switched on and on the same network, then try again.",
  },
  token_invalid: {
    status: 401,
    retry: "no",
    since: "v2",
    message: "The token is not genuine.",
    action: "Ask its issuer for a new token.",
  },
  token_revoked: {
    status: 401,
    retry: "no",
    since: "v2",
    message: "The token was revoked.",
    action: "Ask its issuer for a new token.",
  },
  token_scope_insufficient: {
    status: 403,
    retry: "no",
    since: "v2",
    message: "The token does not cover this call.",
    action: "Ask its issuer for a token with a wider scope.",
  },
  token_expired: {
    status: 410,
    retry: "no",
    since: "v2",
    message: "The token is not valid at this time.",
    action: "Ask its issuer for a new token and check the clock.",
  },
  federation_forbidden: {
    status: 403,
    retry: "no",
    since: "v2",
    message: "The link between the communities does not cover this.",
    action: "Ask an anchor of both communities to widen the link.",
  },
  not_federated: {
    status: 404,
    retry: "no",
    since: "v2",
    message: "There is no link with that community.",
    action: "Ask an anchor to propose a federation.",
  },
  relay_unreachable: {
    status: 503,
    retry: "backoff",
    since: "v2",
    message: "The relay, or the node behind it, does not answer.",
    action: "Try again later or use another relay.",
  },
  dht_lookup_failed: {
    status: 503,
    retry: "backoff",
    since: "v2",
    message: "No source was found in time.",
    action: "Try again later.",
  },
  e2e_session_missing: {
    status: 409,
    retry: "backoff",
    since: "v2",
    message: "There is no encrypted session with that neighbour yet.",
    action: "Exchange keys, then try again.",
  },
  e2e_decrypt_failed: {
    status: 400,
    retry: "no",
    since: "v2",
    message: "The message could not be decrypted.",
    action: "Start a new encrypted session.",
  },
  ratchet_out_of_order: {
    status: 409,
    retry: "backoff",
    since: "v2",
    message: "Too many messages are missing in between.",
    action: "Ask the sender to send again.",
  },
} as const;

type CheckedErrors<T extends Record<string, ErrorRow>> = T;
export type ErrorTable = CheckedErrors<typeof ERRORS>;

export type ErrorCode = keyof typeof ERRORS;

/** Codes that only callers on this node see; `wire` is what a remote caller gets instead. @source plugin-platform §4.7 */
export const LOCAL_ERRORS = {
  permission_denied: {
    wire: "internal_error",
    message: "The plugin has no permission for this.",
    action: "Grant the permission on the plugin's page if you trust it with that.",
  },
  quota_exceeded: {
    wire: "capacity_exceeded",
    message: "The plugin has used up what it may use.",
    action: "Wait, or raise the plugin's limit.",
  },
  plugin_gone: {
    wire: "internal_error",
    message: "The plugin stopped while it worked on this.",
    action: "Look at the plugin's log; it is restarted by itself.",
  },
  confinement: {
    wire: "not_implemented",
    message: "This is not possible under the plugin's present confinement.",
    action: "See the repair on the health page.",
  },
} as const;

export interface LocalErrorRow {
  wire: ErrorCode;
  message: string;
  action: string;
}
type CheckedLocalErrors<T extends Record<string, LocalErrorRow>> = T;
export type LocalErrorTable = CheckedLocalErrors<typeof LOCAL_ERRORS>;

export type LocalErrorCode = keyof typeof LOCAL_ERRORS;
export type AnyErrorCode = ErrorCode | LocalErrorCode;

/** What travels. Never carries stacks, paths or secrets. @source 02 §5 */
export interface WireError {
  error: ErrorCode;
  message?: string;
  reason?: string;
  retry_after_ms?: number;
  alt_capabilities?: string[];
  alt_nodes?: NodeId[];
  schema_hash_expected?: string;
  server_time?: Time;
}

/** What the operator's own doors (page, command line) show: local codes and hints included. */
export interface LocalError extends Omit<WireError, "error"> {
  error: AnyErrorCode;
  /** What to do next, in English. */
  action?: string;
  /** JSON pointers of the fields at fault. */
  paths?: string[];
  trace_id?: string;
}
