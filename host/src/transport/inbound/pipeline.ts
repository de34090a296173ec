import { checkAddress } from "./0-address.ts";
import { parseBody } from "./1-parse-body.ts";
import { parseHeaders } from "./1-parse-headers.ts";
import { checkFresh } from "./2-fresh.ts";
import { checkSignature } from "./3-signature.ts";
import { checkRecipient } from "./4-recipient.ts";
import { checkReplay } from "./5-replay.ts";
import { checkRevoked } from "./6-revoked.ts";
import { settleMembership } from "./7-membership.ts";
import { checkToken } from "./8-token.ts";
import { checkRate } from "./9-rate.ts";
import type { Gate } from "./gate.ts";
import { isBearer, type Passage } from "./passage.ts";

type Step = (passage: Passage, gate: Gate) => void;

/** What is checked before a byte of the body is read: nobody pays for bytes that are refused anyway. */
const BEFORE_BODY: readonly Step[] = [checkAddress, parseHeaders];

/** Who sent it. Nothing of this is asked of a bearer: there the token must speak for itself. @source 02 §3, T-9 */
const SENDER: readonly Step[] = [checkFresh, checkSignature, checkRecipient, checkReplay, checkRevoked, settleMembership];

function proveSender(passage: Passage, gate: Gate): void {
  if (!isBearer(passage)) for (const step of SENDER) step(passage, gate);
}

/** The order of the other checks, read top to bottom. Step 10 is the bus. @source 02 §3 */
const AFTER_BODY: readonly Step[] = [parseBody, proveSender, checkToken, checkRate];

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
  for (const step of AFTER_BODY) step(passage, gate);
}
