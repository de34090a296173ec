export { CHAIN_START, chainHash, DROP_OP, SEGMENT_OP } from "./chain.ts";
export { isGenuineHead, LedgerChecker } from "./check.ts";
export { checkLedgerLines, writeLedgerLine } from "./lines.ts";
