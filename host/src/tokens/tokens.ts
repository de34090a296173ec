import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type {
  Clock,
  FederationLookup,
  IssuedToken,
  OfferLookup,
  Principal,
  TokenCalls,
  TokenCommunity,
  TokenPayload,
  TokenReport,
  TokenRoom,
  TokenScope,
  Topics,
} from "../contract/index.ts";
import { HnError, type UlidFactory } from "../foundation/index.ts";
import type { Signer } from "../identity/index.ts";
import { MinuteWindows } from "./counters/minute.ts";
import { type IssuedRow, TokenStore } from "./counters/store.ts";
import { Tally } from "./counters/tally.ts";
import { Issuer } from "./issue/issue.ts";
import type { Claims } from "./read/claims.ts";
import { Revocations } from "./revoke/revocations.ts";
import { revokeToken } from "./revoke/revoke.ts";
import { DEFAULT_TOKEN_SETTINGS, type TokenSettings } from "./settings.ts";
import { readToken } from "./verify/1-read.ts";
import { nowSeconds, type Office } from "./verify/office.ts";
import { Verification } from "./verify/verify.ts";

export interface TokensOptions {
  /** Folder of this room; created with mode 0700. */
  dataDir: string;
  signer: Signer;
  clock: Clock;
  newUlid: UlidFactory;
  community: TokenCommunity;
  offers: OfferLookup;
  topics: Pick<Topics, "publish">;
  settings?: Partial<TokenSettings>;
  /** Absent or undefined: no foreign issuer counts. */
  federation?: () => FederationLookup | undefined;
}

const FILE = "tokens.db";

/** Opens the room; its counters are those of the last time. @throws internal_error reason db_corrupt */
export function openTokens(options: TokensOptions): TokenRoom {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  return new Tokens(options);
}

class Tokens implements TokenRoom {
  readonly #office: Office;
  readonly #verification: Verification;
  readonly #issuer: Issuer;
  readonly #listeners: Set<() => void> = new Set();
  readonly #stop: (() => void)[];
  /** Rises with every event that may change somebody's standing, and with another log. */
  #standings = 0;
  #community: string | null;
  /** Of the log when it was last looked at; whatever changed behind its head since is taken in with the next event that matters. */
  #revision: number;

  constructor(o: TokensOptions) {
    const { community, signer, clock } = o;
    this.#office = {
      nodeId: signer.nodeId,
      clock,
      community,
      settings: { ...DEFAULT_TOKEN_SETTINGS, ...o.settings },
      revocations: new Revocations(community, () => clock.now()),
      store: new TokenStore(join(o.dataDir, FILE)),
      minutes: new MinuteWindows(),
      tally: new Tally(),
      federation: o.federation ?? ((): undefined => undefined),
    };
    this.#verification = new Verification(this.#office, () => this.#standings);
    this.#issuer = new Issuer({ office: this.#office, signer, newUlid: o.newUlid, offers: o.offers, topics: o.topics });
    this.#community = community.communityId();
    this.#revision = community.revision();
    this.#stop = [
      community.onEvent(({ event_type }) => {
        if (event_type === "auth.token.revoked" || event_type.startsWith("community.")) this.#changed(event_type);
      }),
      community.onStored(() => {
        if (community.communityId() !== this.#community) this.#changed("community.");
      }),
    ];
  }

  admit(presented: Parameters<TokenRoom["admit"]>[0]): ReturnType<TokenRoom["admit"]> {
    return this.#verification.admit(presented);
  }

  fault(token: Parameters<TokenRoom["fault"]>[0]): HnError | null {
    return this.#verification.fault(token);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  issue(input: Parameters<TokenRoom["issue"]>[0], caller: Principal): ReturnType<TokenRoom["issue"]> {
    return this.#issuer.issue(input, caller);
  }

  revoke(input: Parameters<TokenRoom["revoke"]>[0], caller: Principal): ReturnType<TokenRoom["revoke"]> {
    return revokeToken(this.#office, input, caller);
  }

  /** What somebody else's token allows is nobody's business: to them it is as one that does not exist. @source 05 §6 */
  introspect(text: string, caller: Principal): { active: boolean; scope?: TokenScope; expires_at?: number } {
    let claims: Claims;
    try {
      claims = this.#verification.settle(text, caller.community_id).claims;
    } catch (error) {
      if (HnError.from(error).code === "internal_error") throw error;
      return { active: false };
    }
    const isOurs = caller.kind === "self" || caller.kind === "plugin";
    if (!isOurs && claims.sub !== "*" && ![claims.sub, claims.iss].includes(caller.node_id)) return { active: false };
    return { active: true, scope: claims.scope, expires_at: claims.exp };
  }

  inspect(text: string): TokenReport {
    const ours = this.#office.community.communityId();
    const { claims } = readToken(text, this.#office);
    const shown: TokenPayload = { ...claims, aud: claims.aud ?? "" };
    try {
      this.#verification.settle(text, ours);
      return { claims: shown, valid: true, error: null };
    } catch (cause) {
      return { claims: shown, valid: false, error: HnError.from(cause).toLocal() };
    }
  }

  list(): IssuedToken[] {
    return this.#office.store.list().map((row) => this.#describe(row));
  }

  calls(): TokenCalls[] {
    return this.#office.tally.rows();
  }

  close(): void {
    for (const stop of this.#stop) stop();
    this.#office.store.close();
  }

  #describe({ payload, askedBy }: IssuedRow): IssuedToken {
    const { revocations, store } = this.#office;
    const { jti, iss, sub, scope, aud, aud_node, iat, exp } = payload;
    const max = scope.max_calls_total ?? null;
    const isOver = nowSeconds(this.#office) >= exp;
    return {
      token_id: jti,
      subject: sub,
      scope,
      audience: aud,
      aud_node: aud_node ?? null,
      asked_by: askedBy === "self" ? null : askedBy,
      issued_at: iat,
      expires_at: exp,
      state: revocations.covers({ jti, iss }) ? "revoked" : isOver ? "expired" : "active",
      calls_left: max === null ? null : Math.max(0, max - (store.used({ issuer: iss, jti }) ?? 0)),
    };
  }

  #changed(type: string): void {
    const { community, revocations } = this.#office;
    const revision = community.revision();
    const isOther = community.communityId() !== this.#community;
    if (type.startsWith("community.")) this.#standings += 1;
    revocations.outdated(isOther || revision !== this.#revision ? "disordered" : "behind");
    this.#revision = revision;
    this.#community = community.communityId();
    for (const listener of this.#listeners) listener();
  }
}
