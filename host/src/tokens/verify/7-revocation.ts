import { HnError } from "../../foundation/index.ts";
import type { Claims } from "../read/claims.ts";
import type { Office } from "./office.ts";

/** @throws token_revoked @source 05 §3 step 7, §5 */
export function checkRevocation(claims: Pick<Claims, "iss" | "jti">, { revocations }: Pick<Office, "revocations">): void {
  if (revocations.covers(claims)) throw new HnError("token_revoked");
}
