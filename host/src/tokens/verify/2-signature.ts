import { HnError } from "../../foundation/index.ts";
import { verifyTokenText } from "../../identity/index.ts";
import type { ReadToken } from "./1-read.ts";

/** Over the received text. @throws token_invalid reason token_signature_bad @source 05 §3 step 2 */
export function checkSignature({ written, claims }: ReadToken): void {
  if (!verifyTokenText(written, claims.iss)) throw new HnError("token_invalid", { reason: "token_signature_bad" });
}
