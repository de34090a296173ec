/** What must be signed from whomever it comes. @source 02 §4 */
export const MUST_SIGN: RegExp = /^(?:community|auth|federation)\.|\.(?:post|invite|revoke|ingest|expire)$|^chat\.send$/;
