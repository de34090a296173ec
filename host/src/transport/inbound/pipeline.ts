import { checkAddress } from "./0-address.ts";
import { parse } from "./1-parse.ts";
import { checkFresh } from "./2-fresh.ts";
import { checkSignature } from "./3-signature.ts";
import { checkRecipient } from "./4-recipient.ts";
import { checkReplay } from "./5-replay.ts";
import { checkRevoked } from "./6-revoked.ts";
import { settleMembership } from "./7-membership.ts";
import { checkToken } from "./8-token.ts";
import { checkRate } from "./9-rate.ts";
import type { Gate } from "./gate.ts";
import type { Passage } from "./passage.ts";

type Step = (passage: Passage, gate: Gate) => void;

/** The order of the checks, read top to bottom. Step 10 is the bus. @source 02 §3 */
export const STEPS: readonly Step[] = [
  checkAddress,
  parse,
  checkFresh,
  checkSignature,
  checkRecipient,
  checkReplay,
  checkRevoked,
  settleMembership,
  checkToken,
  checkRate,
];

/**
 * Sends a request through all steps; the first that fails ends it.
 * @throws HnError of 02 §3, or `DROP` when the connection deserves no answer
 */
export function admitRequest(passage: Passage, gate: Gate): void {
  for (const step of STEPS) step(passage, gate);
}
