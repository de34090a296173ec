import { checkAddress } from "./0-address.ts";
import { parseBody } from "./1-parse-body.ts";
import { parseHeaders } from "./1-parse-headers.ts";
import { checkFresh } from "./2-fresh.ts";
import { checkSignature } from "./3-signature.ts";
import { checkRecipient } from "./4-recipient.ts";
import { checkReplay, noteOnce } from "./5-replay.ts";
import { checkRevoked } from "./6-revoked.ts";
import { settleMembership } from "./7-membership.ts";
import { checkToken } from "./8-token.ts";
import { checkRate } from "./9-rate.ts";
import type { Gate } from "./gate.ts";
import { isBearer, type Passage } from "./passage.ts";

type Step = (passage: Passage, gate: Gate) => void;

/** What is checked before a byte of the body is read: nobody pays for bytes that are refused anyway. */
const BEFORE_BODY: readonly Step[] = [checkAddress, parseHeaders];

/** The order of the checks of what is signed, read top to bottom. Step 10 is the bus. @source 02 §3 */
const OF_THE_SIGNED: readonly Step[] = [
  checkFresh,
  checkSignature,
  checkRecipient,
  checkReplay,
  checkRevoked,
  settleMembership,
  checkToken,
  checkRate,
];

/** What is left to check of a bearer, whom nothing proves: the token must speak for itself. @source 02 T-9 */
const OF_A_BEARER: readonly Step[] = [checkToken, checkRate];

/**
 * First half, on the headers alone.
 * @throws HnError of 02 §3, or `DROP` when the connection deserves no answer
 */
export function admitHeaders(passage: Passage, gate: Gate): void {
  for (const step of BEFORE_BODY) step(passage, gate);
}

/**
 * Second half, when `passage.bytes` holds the body; the first step that fails ends it.
 * @throws HnError of 02 §3, or `DROP` when the connection deserves no answer
 */
export function admitRequest(passage: Passage, gate: Gate): void {
  parseBody(passage);
  if (isBearer(passage)) for (const step of OF_A_BEARER) step(passage, gate);
  else admitSigned(passage, gate);
}

/**
 * Steps 2 to 9, for whatever brought headers, body and envelope along by another way than HTTP.
 * @throws HnError of 02 §3, or `DROP` when the connection deserves no answer
 */
export function admitSigned(passage: Passage, gate: Gate): void {
  for (const step of OF_THE_SIGNED) step(passage, gate);
}

/** What is left to check of a call on a peer session, whose frames prove sender, recipient and order. @source network.md §1.7, 02 §3 steps 5–9 */
const ON_SESSION: readonly Step[] = [checkRevoked, settleMembership, checkToken, checkRate];

/**
 * Enters at step 5 for calls that must run once over all lanes, else at 6. What step 5 has noted is to be written before the call begins.
 * @throws HnError of 02 §3, or `DROP` when the session deserves no answer
 */
export function admitSessionCall(passage: Passage, gate: Gate, o: { once: boolean }): void {
  if (o.once) noteOnce(passage, gate);
  for (const step of ON_SESSION) step(passage, gate);
}
