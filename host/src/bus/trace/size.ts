/** Size in bytes that a value has as JSON text, estimated without writing it: text counts its characters, bytes their base64url form. */
export function estimateBytes(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value === "number") return 4;
  if (typeof value !== "object" || value === null) return 4;
  if (value instanceof Uint8Array) return Math.ceil((value.byteLength * 4) / 3) + 2;
  let sum = 2;
  if (Array.isArray(value)) {
    for (const item of value) sum += estimateBytes(item) + 1;
    return sum;
  }
  // Not `for … in`, which takes three times as long in this V8.
  for (const key of Object.keys(value)) sum += key.length + 4 + estimateBytes((value as Record<string, unknown>)[key]);
  return sum;
}
