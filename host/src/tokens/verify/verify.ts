import { createHash } from "node:crypto";
import type { CommunityId, TokenPresentation, VerifiedToken } from "../../contract/index.ts";
import { HnError, RecentMap } from "../../foundation/index.ts";
import type { Claims } from "../read/claims.ts";
import { readToken } from "./1-read.ts";
import { checkSignature } from "./2-signature.ts";
import { checkBegun } from "./3-begun.ts";
import { checkNotOver } from "./4-not-over.ts";
import { checkAudience } from "./5-audience.ts";
import { type Authority, isLower, settleIssuer } from "./6-issuer.ts";
import { checkRevocation } from "./7-revocation.ts";
import { checkSubject } from "./8-subject.ts";
import { checkScope } from "./9-scope.ts";
import { count } from "./10-counters.ts";
import { nowSeconds, type Office } from "./office.ts";

const REMEMBERED = 4096;

/** What was found out about a text, and under which state of the log. */
interface Finding {
  claims: Claims;
  authority: Authority;
  claimed: CommunityId | null;
  revocations: number;
  standings: number;
}

/**
 * The ten checks of a token, in their order. What does not change while nobody is revoked or changes level is remembered by the hash of the text.
 * @source 05 §3, network.md §2.3
 */
export class Verification {
  readonly #office: Office;
  readonly #standings: () => number;
  readonly #findings: RecentMap<string, Finding> = new RecentMap(REMEMBERED);

  /** @param standings  rises whenever anybody's standing, or the community's policy, may have changed */
  constructor(office: Office, standings: () => number) {
    this.#office = office;
    this.#standings = standings;
  }

  /** All ten; counts the call. @throws as `TokenDesk.admit` */
  admit(presented: TokenPresentation): VerifiedToken {
    const { claims, authority } = this.settle(presented.text, presented.community);
    checkSubject(claims, presented.signer, this.#office.settings);
    try {
      checkScope(claims, presented, authority);
    } catch (error) {
      this.#office.tally.add(claims.iss, false);
      throw error;
    }
    this.#office.tally.add(claims.iss, true);
    count(claims, this.#office);
    return {
      token_id: claims.jti,
      issuer: claims.iss,
      subject: claims.sub,
      acts_for: claims.act ?? claims.iss,
      level: authority.level,
      expires_at: claims.exp,
      bearer: presented.signer === null,
      federation: authority.grant === null ? null : presented.community,
    };
  }

  /** Steps 1 to 7: what is true of a token whoever presents it. @throws as `TokenDesk.admit` */
  settle(text: string, claimed: CommunityId | null): { claims: Claims; authority: Authority } {
    const { settings, revocations } = this.#office;
    if (!settings.enabled) throw new HnError("not_implemented", { reason: "tokens_unsupported" });
    const digest = createHash("sha256").update(text).digest("base64");
    const known = this.#findings.get(digest);
    const fits =
      known !== undefined &&
      known.claimed === claimed &&
      known.standings === this.#standings() &&
      known.revocations === revocations.version;
    if (fits) {
      this.#checkTime(known.claims);
      return known;
    }
    const token = readToken(text, this.#office);
    checkSignature(token);
    const { claims } = token;
    this.#checkTime(claims);
    checkAudience(claims, this.#office);
    const authority = settleIssuer(claims, this.#office, claimed);
    checkRevocation(claims, this.#office);
    const finding = { claims, authority, claimed, standings: this.#standings(), revocations: revocations.version };
    this.#findings.set(digest, finding);
    return finding;
  }

  /** Whether what was admitted still holds. @source network.md §1.8 */
  fault(token: VerifiedToken): HnError | null {
    const { issuer: iss, acts_for, token_id: jti, federation } = token;
    try {
      checkNotOver(token.expires_at, nowSeconds(this.#office));
      const who = acts_for === iss ? { iss } : { iss, act: acts_for };
      const issued_via = federation === null ? "manual" : "federation";
      const { level } = settleIssuer({ ...who, issued_via }, this.#office, federation);
      checkRevocation({ iss, jti }, this.#office);
      return isLower(level, token.level) ? new HnError("unauthorized", { reason: "token_level_lost" }) : null;
    } catch (error) {
      return HnError.from(error);
    }
  }

  #checkTime(claims: Claims): void {
    const now = nowSeconds(this.#office);
    checkBegun(claims, now);
    checkNotOver(claims.exp, now);
  }
}
