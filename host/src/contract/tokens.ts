/** Capability tokens: who lets whom call what, until when. @source 05 */
import type { Principal } from "./bus.ts";
import type { LocalError } from "./errors.ts";
import type { CommunityId, JsonObject, NodeId, Ulid } from "./ids.ts";
import type { Community } from "./services.ts";
import type { MemberLevel, TrustRequirement } from "./wire.ts";

export const TOKEN_ISSUED_VIA = ["federation", "onboarding", "manual", "relay"] as const;
export type TokenIssuedVia = (typeof TOKEN_ISSUED_VIA)[number];
export const TOKEN_REVOKED_FOR = ["manual", "policy", "compromise"] as const;
export type TokenRevokedFor = (typeof TOKEN_REVOKED_FOR)[number];

/** Characters of the longest token. @source 05 K-1 */
export const TOKEN_MAX_CHARS = 2048;
/** No token lives longer. @source 05 §8 */
export const TOKEN_MAX_TTL_SECONDS = 86_400;
export const TOKEN_DEFAULT_TTL_SECONDS = 3600;
/** Calls a minute where the token names no rate. @source 05 §7 */
export const TOKEN_DEFAULT_RATE = 60;

/** What may be called, with its wire names. @source 05 §2, §7 */
export interface TokenScope {
  /** `name@X.Y`, 1 to 32; a bare name stands for an action that is not on the bus. */
  capabilities: string[];
  params_constraints?: Record<string, string[]>;
  rate_limit_per_minute?: number;
  max_calls_total?: number | null;
}

/** The signed claims, in the order in which they are written. @source 05 §2, K-2 */
export interface TokenPayload {
  iss: NodeId;
  /** `*`: whoever holds it. */
  sub: NodeId | "*";
  aud: CommunityId;
  /** Unix seconds, as the next two. */
  iat: number;
  nbf: number;
  exp: number;
  jti: Ulid;
  scope: TokenScope;
  issued_via: TokenIssuedVia;
  /** The only node that accepts it. @source 05 K-8 */
  aud_node?: NodeId;
  /** Who asked the issuer for it; bounds it as the issuer does. @source 05 K-9 */
  act?: NodeId;
}

/** What a token gives the call that it came with, after every check. @source 05 §3, §6 */
export interface VerifiedToken {
  token_id: Ulid;
  issuer: NodeId;
  subject: NodeId | "*";
  /** Whose items count as "own": `act`, else the issuer. */
  acts_for: NodeId;
  /** Of the issuer and of `act`, the lower; `federated` where a linked community's anchor has issued it. */
  level: MemberLevel | "federated";
  /** Unix seconds. */
  expires_at: number;
  /** Nobody signed the request; the token alone speaks. */
  bearer: boolean;
  /** The linked community whose anchor has issued it; null for our own. */
  federation: CommunityId | null;
}

/** What comes with a call that presents a token. */
export interface TokenPresentation {
  text: string;
  /** Whose signature the request carries; null: none. */
  signer: NodeId | null;
  /** For the link that a foreign issuer must stand in; the caller's own claim. */
  community: CommunityId | null;
  capability: string;
  /** As requested, `X.Y`. */
  version: string;
  body: JsonObject;
  /** Whether repeating the call does no harm. */
  idempotent: boolean;
}

/** The transport's and the operator's view of the room. */
export interface TokenDesk {
  /**
   * All ten checks, in their order; counts the call.
   * @throws bad_request · token_invalid · token_expired · unauthorized · revoked · token_revoked · invalid_signature · token_scope_insufficient ·
   *   rate_limited · not_federated · not_implemented reason tokens_unsupported
   */
  admit(presented: TokenPresentation): VerifiedToken;
  /** Whether what was admitted still holds; else the reason it does not. */
  fault(token: VerifiedToken): Error | null;
  /** After a revocation, or a change of anybody's standing. @returns a function that ends it */
  onChange(listener: () => void): () => void;
}

/** What the room asks of the community. */
export type TokenCommunity = Pick<
  Community,
  "communityId" | "standing" | "policy" | "append" | "read" | "revision" | "onEvent" | "onStored"
>;

/** What is offered under a name and version here or by neighbours, as far as this node knows. */
export interface OfferLookup {
  /** The least that any provider asks of its callers; null when nobody offers it. */
  requirement(name: string, version: [number, number]): TrustRequirement | null;
}

/** What an active link lets a foreign anchor's tokens do. @source 05 §6, 20 D7 to D10 */
export interface FederationGrant {
  covers(call: { capability: string; version: string; body: JsonObject }): boolean;
}

/** Filled by a federation plugin; while there is none, every foreign issuer is refused. @source 05 §6, 03 B-11 */
export interface FederationLookup {
  /** Null unless an active link with `community` exists and `issuer` is an anchor there at this moment. */
  grantOf(o: { issuer: NodeId; community: CommunityId }): FederationGrant | null;
}

/** @source 05 §6 */
export interface TokenIssueInput {
  client_id: Ulid;
  subject: NodeId | "*";
  scope: TokenScope;
  ttl_seconds?: number;
  audience?: CommunityId;
  issued_via?: TokenIssuedVia;
  /** The only node that shall accept it. @source 05 K-8 */
  aud_node?: NodeId;
}

/** The operator's form; the audience is this node's own community. */
export type TokenIssueBody = Omit<TokenIssueInput, "audience">;

/** One token that this node has issued; never its text. */
export interface IssuedToken {
  token_id: Ulid;
  subject: NodeId | "*";
  scope: TokenScope;
  audience: CommunityId;
  aud_node: NodeId | null;
  /** Who asked for it: a member's id, a plugin's, or null for the operator. */
  asked_by: string | null;
  /** Unix seconds, as `expires_at`. */
  issued_at: number;
  expires_at: number;
  state: "active" | "expired" | "revoked";
  /** Of `max_calls_total`, as this node has counted; null where there is no such limit. */
  calls_left: number | null;
}

/** One series of `hearthnet_token_calls_total`. @source 05 §8 */
export interface TokenCalls {
  /** Short id, or `other` beyond 256 issuers. */
  issuer: string;
  scopeMatch: boolean;
  calls: number;
}

/** What a token says and whether it would count here. */
export interface TokenReport {
  claims: TokenPayload;
  valid: boolean;
  /** Why not. */
  error: LocalError | null;
}

/** The operator's view of the room. */
export interface TokenRoom extends TokenDesk {
  /** @throws unauthorized · token_scope_insufficient · bad_request · rate_limited · not_found · not_federated · not_implemented */
  issue(input: TokenIssueInput, caller: Principal): Promise<{ token: string; token_id: Ulid }>;
  /** @throws unauthorized · bad_request · not_found */
  revoke(input: { client_id: Ulid; token_id: Ulid; reason?: TokenRevokedFor }, caller: Principal): Promise<{ event_id: Ulid }>;
  introspect(text: string, caller: Principal): { active: boolean; scope?: TokenScope; expires_at?: number };
  /** For its owner's eyes. @throws bad_request · token_invalid for what is no token at all */
  inspect(text: string): TokenReport;
  /** Newest first. */
  list(): IssuedToken[];
  /** Since the node started. */
  calls(): TokenCalls[];
  close(): void;
}
