import type { Clock, FederationLookup, NodeId, TokenCommunity } from "../../contract/index.ts";
import type { MinuteWindows } from "../counters/minute.ts";
import type { TokenStore } from "../counters/store.ts";
import type { Tally } from "../counters/tally.ts";
import type { Revocations } from "../revoke/revocations.ts";
import type { TokenSettings } from "../settings.ts";

/** What the checks look things up in. */
export interface Office {
  nodeId: NodeId;
  clock: Clock;
  community: TokenCommunity;
  settings: TokenSettings;
  revocations: Revocations;
  store: TokenStore;
  minutes: MinuteWindows;
  tally: Tally;
  federation: () => FederationLookup | undefined;
}

/** Unix seconds. */
export function nowSeconds({ clock }: Pick<Office, "clock">): number {
  return Math.floor(clock.now() / 1000);
}
