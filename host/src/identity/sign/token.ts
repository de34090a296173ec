import {
  type JsonObject,
  type JsonValue,
  type NodeId,
  TOKEN_MAX_CHARS,
  type TokenPayload,
  type TokenScope,
} from "../../contract/index.ts";
import { decodeBase64url, encodeBase64url, HnError, parseStrictJson } from "../../foundation/index.ts";
import { verifySignature } from "../ed25519/verify.ts";
import { parseNodeId } from "../node-id.ts";

const PREFIX = "hntoken://v1/";
const HEADER = { alg: "EdDSA", typ: "hntoken", v: 1 } as const;

/** A token taken apart. Nothing of it is proven. */
export interface TokenText {
  text: string;
  /** As it stands there: what the signature covers. */
  signed: string;
  claims: JsonObject;
  /** 64 bytes. */
  signature: Uint8Array;
}

/**
 * Writes and signs a token: claims in the order of the protocol, whatever order they were given in, so that it stays short and always the same.
 * @source 05 §1, §2
 */
export function tokenText(p: TokenPayload, sign: (bytes: Uint8Array) => Uint8Array): string {
  const { capabilities, params_constraints, rate_limit_per_minute, max_calls_total } = p.scope;
  const scope: TokenScope = { capabilities };
  if (params_constraints !== undefined) scope.params_constraints = params_constraints;
  if (rate_limit_per_minute !== undefined) scope.rate_limit_per_minute = rate_limit_per_minute;
  if (max_calls_total !== undefined) scope.max_calls_total = max_calls_total;
  const { iss, sub, aud, iat, nbf, exp, jti, issued_via, aud_node, act } = p;
  const payload = { iss, sub, aud, iat, nbf, exp, jti, scope, issued_via, aud_node, act };
  const signed = `${part(HEADER)}.${part(payload)}`;
  return `${PREFIX}${signed}.${encodeBase64url(sign(Buffer.from(signed, "ascii")))}`;
}

/**
 * Takes a token apart strictly: one spelling of everything but the claims, which are verified as they were received.
 * @throws bad_request reason token_malformed
 * @source 05 §1, K-1
 */
export function readTokenText(text: unknown): TokenText {
  if (typeof text !== "string" || text.length > TOKEN_MAX_CHARS || !text.startsWith(PREFIX)) throw malformed();
  const parts = text.slice(PREFIX.length).split(".");
  const [head, body, tail] = parts;
  if (parts.length !== 3 || head === undefined || body === undefined || tail === undefined) throw malformed();
  try {
    const header = object(head);
    const keys = Object.keys(header);
    if (keys.length !== 3 || header["alg"] !== HEADER.alg || header["typ"] !== HEADER.typ || header["v"] !== HEADER.v)
      throw malformed();
    return { text, signed: `${head}.${body}`, claims: object(body), signature: decodeBase64url(tail, 64) };
  } catch (cause) {
    throw malformed(cause);
  }
}

/** Over the received text, never over a re-encoding. @source 05 §3 step 2 */
export function verifyTokenText({ signed, signature }: TokenText, by: NodeId): boolean {
  try {
    return verifySignature(parseNodeId(by), Buffer.from(signed, "ascii"), signature);
  } catch {
    return false;
  }
}

function part(value: object): string {
  return encodeBase64url(Buffer.from(JSON.stringify(value), "utf8"));
}

function object(text: string): JsonObject {
  const value: JsonValue = parseStrictJson(decodeBase64url(text), { maxDepth: 8 });
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed();
  return value;
}

function malformed(cause?: unknown): HnError {
  return new HnError("bad_request", { reason: "token_malformed", ...(cause === undefined ? {} : { cause }) });
}
