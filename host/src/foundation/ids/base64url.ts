import { HnError } from "../errors.ts";

export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

/**
 * Strict: alphabet only, no padding, canonical tail bits: one text per value, so that compared texts are compared values.
 * @param length  wanted number of bytes
 * @throws bad_request
 * @source 00 G-4
 */
export function decodeBase64url(text: unknown, length?: number): Uint8Array {
  if (typeof text !== "string") throw new HnError("bad_request", { message: "Base64url text is expected." });
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text)
    throw new HnError("bad_request", { message: "This is not base64url without padding." });
  if (length !== undefined && bytes.byteLength !== length)
    throw new HnError("bad_request", { message: `This base64url text must stand for ${length} bytes.` });
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
