import type { Clock, NodeId, StandingLookup, TokenDesk } from "../../contract/index.ts";
import type { AddressGuard } from "../limits/address-guard.ts";
import type { CallerRates } from "../limits/caller-rates.ts";
import type { ReplayCache } from "../limits/replay-cache.ts";

/** What the pipeline's steps look things up in. */
export interface Gate {
  nodeId: NodeId;
  clock: Clock;
  standing: StandingLookup;
  addresses: AddressGuard;
  replays: ReplayCache;
  rates: CallerRates;
  /** Undefined: none is taken. */
  tokens: Pick<TokenDesk, "admit"> | undefined;
  /** Whether repeating a call does no harm; `sys.*` routes never do. */
  isIdempotent(capability: string): boolean;
  /** Features a node has advertised, as far as they are known. */
  featuresOf(node: NodeId): readonly string[];
  /** Hears of every node whose signed request was fresh, for us, and new. */
  onProven(node: NodeId): void;
}

/** Thrown instead of an error when the connection is to be dropped without an answer. */
export const DROP: Error = new Error("drop the connection");
