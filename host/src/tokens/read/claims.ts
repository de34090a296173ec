import {
  type CommunityId,
  type JsonObject,
  type JsonValue,
  TOKEN_ISSUED_VIA,
  TOKEN_MAX_TTL_SECONDS,
  type TokenPayload,
} from "../../contract/index.ts";
import { isUlid } from "../../foundation/index.ts";
import { isNodeId } from "../../identity/index.ts";
import { malformed } from "./malformed.ts";
import { readScope } from "./scope.ts";

/** What a token says, every field in its place. `aud` is null where it names none: the issuer's own community is meant. */
export type Claims = Omit<TokenPayload, "aud"> & { aud: CommunityId | null };

/**
 * Reads the claims of a token. Unknown ones are ignored, unknown restrictions are not.
 * @param o.maxTtlSeconds  the community's own limit; never more than a day
 * @throws bad_request reason token_malformed · token_invalid reason token_scope_unknown
 * @source 05 §2, K-2
 */
export function readClaims(json: JsonObject, o: { maxTtlSeconds: number }): Claims {
  const { iss, sub, aud, jti, aud_node, act } = json;
  if (!isNodeId(iss) || !(sub === "*" || isNodeId(sub)) || !isUlid(jti)) throw malformed();
  if (aud !== undefined && aud !== "" && !isNodeId(aud)) throw malformed();
  if ((aud_node !== undefined && !isNodeId(aud_node)) || (act !== undefined && !isNodeId(act))) throw malformed();
  const iat = seconds(json["iat"]);
  const exp = seconds(json["exp"]);
  const nbf = json["nbf"] === undefined ? iat : seconds(json["nbf"]);
  if (nbf > exp || exp < iat || exp - iat > Math.min(TOKEN_MAX_TTL_SECONDS, o.maxTtlSeconds)) throw malformed();
  const via = json["issued_via"] === undefined ? "manual" : TOKEN_ISSUED_VIA.find((one) => one === json["issued_via"]);
  if (via === undefined) throw malformed();
  return {
    iss,
    sub,
    aud: aud === undefined || aud === "" ? null : aud,
    iat,
    nbf,
    exp,
    jti,
    scope: readScope(json["scope"]),
    issued_via: via,
    ...(aud_node === undefined ? {} : { aud_node }),
    ...(act === undefined ? {} : { act }),
  };
}

function seconds(value: JsonValue | undefined): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw malformed();
  return value;
}
