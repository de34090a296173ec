import { createHash } from "node:crypto";
import type { LedgerRow } from "../../contract/index.ts";
import { canonicalBytes } from "../../identity/index.ts";

/** What stands before the first row. */
export const CHAIN_START: string = "0".repeat(64);

/** `SHA-256(prev ‖ canonical(row))`, hex; `prev` stands in the row as well. @source plugin-platform §8.1 */
export function chainHash(row: LedgerRow): string {
  return createHash("sha256").update(row.prev, "hex").update(canonicalBytes(row)).digest("hex");
}

/** Op of the row that ends a segment: another one follows, and without it something is missing. */
export const SEGMENT_OP = "ledger.segment";
/** Op of the row that says up to which number, its target, rows were dropped because their time was over. */
export const DROP_OP = "ledger.drop";
