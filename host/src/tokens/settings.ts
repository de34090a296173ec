import { TOKEN_DEFAULT_TTL_SECONDS, TOKEN_MAX_TTL_SECONDS } from "../contract/index.ts";

/** @source 05 §8 */
export interface TokenSettings {
  enabled: boolean;
  /** Seconds, as the next. */
  defaultTtlSeconds: number;
  maxTtlSeconds: number;
  /** Whether tokens count that whoever holds them may use. */
  allowBearer: boolean;
  /** Of those, only ones for a linked community are issued. */
  federatedOnlyBearer: boolean;
  /** Whether members may ask this node to sign for them. */
  remoteIssue: "members" | "off";
}

export const DEFAULT_TOKEN_SETTINGS: TokenSettings = {
  enabled: true,
  defaultTtlSeconds: TOKEN_DEFAULT_TTL_SECONDS,
  maxTtlSeconds: TOKEN_MAX_TTL_SECONDS,
  allowBearer: false,
  federatedOnlyBearer: true,
  remoteIssue: "members",
};
