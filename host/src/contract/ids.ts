/** Names of identifiers on the wire. All are plain strings; the parsers of room `identity` and `foundation` decide validity. @source 00 §3 */

/** `ed25519:` + 43 characters base64url of the public key. */
export type NodeId = string;
/** As NodeId, of the community's root key. */
export type CommunityId = string;
/** `ed25519:` + 86 characters base64url. */
export type Signature = string;
/** `blake3:` + 64 hex digits. */
export type Cid = string;
export type Ulid = string;
/** RFC 3339 UTC, whole seconds, `Z`. */
export type Time = string;
/** `"X.Y"`. */
export type Version = string;
/** ISO-independent map language → text; `en` is always there. */
export type I18nText = { en: string; [language: string]: string };
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };
/** JSON Schema 2020-12, subset of 03 B-1. */
export type JsonSchema = { [key: string]: JsonValue };
