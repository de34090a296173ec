/** Which headers pass between the network and a plugin's route: what is not listed does not. @source plugin-platform §2.4 */

/** Never cookies, nor anything by which the host itself decides. */
const IN = ["accept", "accept-language", "content-type", "if-modified-since", "if-none-match", "range", "user-agent"];
/** What the plugin itself judges by. */
const IN_BEARER = [...IN, "authorization"];
/** Nothing that sets cookies, moves a browser elsewhere, loosens a policy, or belongs to the connection. */
const OUT = new Set([
  "accept-ranges",
  "cache-control",
  "content-disposition",
  "content-language",
  "content-range",
  "content-type",
  "etag",
  "last-modified",
  "retry-after",
  "vary",
  "www-authenticate",
]);

/** What a page of a plugin may do in a browser that opens it: be looked at. */
export const INERT: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** @param headers  as Node gives them */
export function headersIn(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  auth: string,
): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of auth === "bearer" ? IN_BEARER : IN) {
    const value = headers[name];
    if (typeof value === "string") out[name] = value;
  }
  return out;
}

/** @returns what may leave, by lower-case name, and the names of what may not */
export function headersOut(headers: Readonly<Record<string, string>>): { kept: Record<string, string>; dropped: string[] } {
  const kept: Record<string, string> = {};
  const dropped: string[] = [];
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase();
    if (OUT.has(name) && value.length <= 1024 && /^[\t\x20-\x7e]*$/.test(value)) kept[name] = value;
    else dropped.push(name.slice(0, 64));
  }
  return { kept, dropped };
}
