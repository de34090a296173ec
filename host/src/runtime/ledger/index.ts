/** Who asked for what, in a chain of rows: segments on disk, sums in memory, signed heads. @source plugin-platform §8 */
export { Ledger, type LedgerOptions, type SignHead } from "./ledger.ts";
