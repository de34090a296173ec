/**
 * Room `tokens`, floor 2: issues, checks and revokes capability tokens. A token says what its issuer lets somebody call until when; it never gives
 * more than the issuer has at that moment.
 *
 * @example
 * const tokens = openTokens({ dataDir, signer, clock, newUlid, community, offers, topics });
 * const { token } = await tokens.issue({ client_id, subject, scope: { capabilities: ["ocr.image@1.0"] } }, operator);
 * tokens.admit({ text: token, signer: subject, community: null, capability: "ocr.image", version: "1.0", body, idempotent: true });
 */
export { tokenOffers } from "./capabilities/offers.ts";
export { openTokens } from "./tokens.ts";
