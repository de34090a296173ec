/** Header fields of a plugin's request and of the answer to it. Names and values are checked before a byte is written. */
import type { IncomingMessage } from "node:http";
import { HnError } from "../../foundation/index.ts";

export type Field = readonly [name: string, value: string];

const FIELDS_MAX = 64;
const BYTES_MAX = 32_768;
/** RFC 9110 §5.6.2 and §5.5: no control characters, so no line can end inside a value. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** What decides about framing, connection and recipient is the host's alone. */
const HOST_ONLY: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** `[["accept", "text/plain"], …]` as a plugin sent it. @throws bad_request */
export function readFields(value: unknown): Field[] {
  const wrong = (message: string): HnError => new HnError("bad_request", { message, paths: ["/headers"] });
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > FIELDS_MAX) throw wrong(`At most ${FIELDS_MAX} header fields are sent.`);
  let bytes = 0;
  return value.map((entry: unknown) => {
    if (!Array.isArray(entry) || entry.length !== 2) throw wrong("A header field is a name and a value.");
    const [name, text] = entry as unknown[];
    if (typeof name !== "string" || typeof text !== "string" || !isFieldName(name) || !VALUE.test(text))
      throw wrong("A header field has a name or a value that HTTP does not allow, or one that the host sets itself.");
    bytes += name.length + text.length;
    if (bytes > BYTES_MAX) throw wrong(`The header fields are larger than ${BYTES_MAX} bytes.`);
    return [name.toLowerCase(), text];
  });
}

/** Is it a name that a plugin may set? */
export function isFieldName(name: string): boolean {
  const lower = name.toLowerCase();
  return NAME.test(name) && !HOST_ONLY.has(lower) && !lower.startsWith("sec-");
}

export function isFieldValue(text: string): boolean {
  return VALUE.test(text);
}

/** As they came, names in lower case. */
export function fieldsOf({ rawHeaders }: IncomingMessage): [string, string][] {
  const fields: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    fields.push([(rawHeaders[at] ?? "").toLowerCase(), rawHeaders[at + 1] ?? ""]);
  return fields;
}
