import {
  type CommunityId,
  type OfferLookup,
  type Principal,
  TOKEN_MAX_CHARS,
  TOKEN_MAX_TTL_SECONDS,
  type TokenIssueInput,
  type TokenPayload,
  type TokenScope,
  type Topics,
  type Ulid,
} from "../../contract/index.ts";
import { formatTime, HnError, type UlidFactory } from "../../foundation/index.ts";
import { parseNodeId, type Signer } from "../../identity/index.ts";
import type { IssuedRow } from "../counters/store.ts";
import { isBeyondBearers } from "../read/never-by-token.ts";
import { readScope } from "../read/scope.ts";
import { nowSeconds, type Office } from "../verify/office.ts";
import { type Asker, checkRights, longestLife, settleAsker } from "./rights.ts";

const HOUR_SECONDS = 3600;
const TYPE = "auth.token.issued";

export interface IssuerOptions {
  office: Office;
  signer: Signer;
  newUlid: UlidFactory;
  offers: OfferLookup;
  topics: Pick<Topics, "publish">;
}

/** Signs tokens with this node's key, within the asker's rights. @source 05 §6 */
export class Issuer {
  readonly #o: IssuerOptions;

  constructor(options: IssuerOptions) {
    this.#o = options;
  }

  /**
   * The same question, told by `client_id`, gives the same token again.
   * @throws unauthorized · token_scope_insufficient · not_found · bad_request · rate_limited · not_federated · not_implemented reason tokens_unsupported
   */
  async issue(input: TokenIssueInput, caller: Principal): Promise<{ token: string; token_id: Ulid }> {
    const { office, signer } = this.#o;
    if (!office.settings.enabled) throw new HnError("not_implemented", { reason: "tokens_unsupported" });
    const ours = office.community.communityId();
    if (ours === null) throw new HnError("not_found", { reason: "no_community" });
    const asker = settleAsker(caller, office);
    const known = office.store.byClient(asker.id, input.client_id);
    if (known !== null && !isSameWish(known.payload, input)) throw new HnError("bad_request", { reason: "client_id_reused" });
    const row = known ?? this.#make(input, asker, ours);
    if (!row.announced) await this.#announce(row.payload);
    return { token: signer.signToken(row.payload), token_id: row.payload.jti };
  }

  #make(input: TokenIssueInput, asker: Asker, ours: CommunityId): IssuedRow {
    const { office, signer, offers } = this.#o;
    const now = nowSeconds(office);
    const scope = wholeScope(input.scope);
    this.#checkSubject(input, asker, scope);
    checkAudience(input, ours);
    checkRights(scope.capabilities, asker.level, offers);
    if (asker.perHour !== null && office.store.issuedSince(asker.id, now - HOUR_SECONDS) >= asker.perHour)
      throw new HnError("rate_limited", { reason: "token_issue_limit", retryAfterMs: 60_000 });
    const payload: TokenPayload = {
      iss: signer.nodeId,
      sub: input.subject,
      aud: ours,
      iat: now,
      nbf: now,
      exp: now + this.#life(input.ttl_seconds),
      jti: this.#o.newUlid(),
      scope,
      issued_via: input.issued_via ?? "manual",
      ...(input.aud_node === undefined ? {} : { aud_node: input.aud_node }),
      ...(asker.act === null ? {} : { act: asker.act }),
    };
    if (signer.signToken(payload).length > TOKEN_MAX_CHARS)
      throw new HnError("bad_request", {
        reason: "too_large",
        message: `The token would be longer than ${TOKEN_MAX_CHARS} characters.`,
        action: "Name fewer capabilities or fewer allowed values.",
      });
    office.store.remember({ payload, askedBy: asker.id, clientId: input.client_id });
    return { payload, askedBy: asker.id, announced: false };
  }

  /** @source 05 §6, K-5 */
  #checkSubject({ subject, issued_via, aud_node }: TokenIssueInput, { act }: Asker, scope: TokenScope): void {
    const { allowBearer, federatedOnlyBearer } = this.#o.office.settings;
    if (aud_node !== undefined) parseNodeId(aud_node);
    if (subject !== "*") return void parseNodeId(subject);
    const via = issued_via === "federation" || (issued_via === "relay" && !federatedOnlyBearer);
    if (!allowBearer || !via || act !== null || scope.rate_limit_per_minute === undefined)
      throw new HnError("token_invalid", { reason: "bearer_refused" });
    if (scope.capabilities.some((entry) => isBeyondBearers(entry.split("@")[0] ?? "")))
      throw new HnError("token_scope_insufficient", { reason: "token_beyond_rights" });
  }

  #life(asked: number | undefined): number {
    const { settings, community } = this.#o.office;
    const longest = longestLife(settings, community.policy()?.capability_token_ttl_seconds ?? TOKEN_MAX_TTL_SECONDS);
    const life = asked ?? Math.min(settings.defaultTtlSeconds, longest);
    if (!Number.isSafeInteger(life) || life < 1 || life > longest)
      throw new HnError("bad_request", {
        message: `A token may live for 1 to ${longest} seconds here.`,
        paths: ["/ttl_seconds"],
      });
    return life;
  }

  async #announce(payload: TokenPayload): Promise<void> {
    const { office, topics, signer } = this.#o;
    const { jti, sub, scope, exp, aud } = payload;
    const event = await office.community.append({
      type: TYPE,
      data: {
        token_id: jti,
        subject: sub,
        scope: signable(scope),
        expires_at: formatTime(exp * 1000),
        audience: aud,
      },
    });
    office.store.announced(jti);
    topics.publish({ topic: TYPE, data: { ...event }, from: { node_id: signer.nodeId } });
  }
}

function signable(scope: TokenScope): never {
  return structuredClone(scope) as never;
}

/** Only here: a foreign community would have to be linked with ours. @throws bad_request · not_federated */
function checkAudience({ audience }: { audience?: CommunityId }, ours: CommunityId): void {
  if (audience === undefined || audience === ours) return;
  parseNodeId(audience);
  throw new HnError("not_federated");
}

/** What was asked for then is what is asked for now. */
function isSameWish({ sub, scope }: TokenPayload, { subject, scope: asked }: TokenIssueInput): boolean {
  return sub === subject && JSON.stringify(scope) === JSON.stringify(wholeScope(asked));
}

/** With every field that we write. @throws bad_request · token_invalid @source 05 K-2 */
function wholeScope(asked: TokenScope): TokenScope {
  const { capabilities, params_constraints = {}, rate_limit_per_minute, max_calls_total = null } = readScope(asked as never);
  return {
    capabilities,
    params_constraints,
    ...(rate_limit_per_minute === undefined ? {} : { rate_limit_per_minute }),
    max_calls_total,
  };
}
