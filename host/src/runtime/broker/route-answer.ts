import type { JsonObject, RouteAnswer } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

/** One message between a panel and its plugin, either way. @source plugin-platform §4.6 */
export const PANEL_MESSAGE_MAX_BYTES = 65_536;
const HEADERS_MAX = 32;

/** What a plugin's route has answered: `{status, headers?, json | text | bytes}`. @throws bad_request, in words for its author */
export function readRouteAnswer(output: JsonObject): RouteAnswer {
  const { status, headers = {}, json, text } = output;
  const bytes: unknown = output["bytes"];
  // Nobody is sent on from here, and what is said before an answer is the host's affair.
  if (typeof status !== "number" || !Number.isInteger(status) || !isStatus(status))
    throw wrong("status must be a whole number from 200 to 299, 304, or from 400 to 599");
  if (!isObject(headers) || Object.keys(headers).length > HEADERS_MAX)
    throw wrong(`headers must be an object of at most ${HEADERS_MAX} texts`);
  for (const [name, value] of Object.entries(headers))
    if (typeof value !== "string") throw wrong(`the header ${name.slice(0, 64)} must be a text`);
  const given = [json, text, bytes].filter((part) => part !== undefined);
  if (given.length > 1) throw wrong("an answer has one of json, text and bytes");
  if (json !== undefined && !isObject(json)) throw wrong("json must be an object: an answer is signed as one");
  if (text !== undefined && typeof text !== "string") throw wrong("text must be a text");
  if (bytes !== undefined && !(bytes instanceof Uint8Array)) throw wrong("bytes must be bytes");
  if ((status === 204 || status === 304) && given.length > 0) throw wrong(`an answer of status ${status} has no body`);
  return {
    status,
    headers: headers as Record<string, string>,
    body: {
      ...(json === undefined ? {} : { json }),
      ...(typeof text === "string" ? { text } : {}),
      ...(bytes instanceof Uint8Array ? { bytes } : {}),
    },
  };
}

function isStatus(status: number): boolean {
  return (status >= 200 && status < 300) || status === 304 || (status >= 400 && status < 600);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function wrong(what: string): HnError {
  return new HnError("bad_request", { message: `${what}.` });
}
