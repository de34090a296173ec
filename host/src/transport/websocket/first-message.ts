import { HnError, ownId, parseStrictJson } from "../../foundation/index.ts";
import { TOKEN_MAX_CHARS, type JsonObject, type RequestEnvelope } from "../../contract/index.ts";
import { readClaim, type Fields, type headerWrong } from "../inbound/header-fields.ts";
import { checkForm, checkProof, placeInTrace, readTimeout } from "../inbound/1-parse-headers.ts";
import type { Passage, SignedHeaders } from "../inbound/passage.ts";

const KEYS = ["capability", "version", "request_id", "from", "community", "timestamp"] as const;
const ALLOWED: ReadonlySet<string> = new Set([...KEYS, "body", "to"]);
/** Header → envelope: what a sender says twice must be the same. */
const SAID_TWICE: readonly [header: string, key: keyof RequestEnvelope][] = [
  ["capability", "capability"],
  ["capability-version", "version"],
  ["request-id", "request_id"],
  ["from", "from"],
  ["community", "community"],
  ["timestamp", "timestamp"],
  ["to", "to"],
];

/**
 * Step 1 of the pipeline for a WebSocket: reads the first message once, and fills in what the other steps look at. It alone authenticates; what
 * the upgrade's headers say as well must agree with it.
 * @param o.fields  the upgrade's headers, each once
 * @throws bad_request
 * @source 02 §8, T-15
 */
export function readFirstMessage(passage: Passage, text: Uint8Array | string, o: { fields: Fields; maxBytes: number }): void {
  const message = objectIn(parseStrictJson(text, { maxBytes: o.maxBytes }), "The first message");
  const envelope = objectIn(message["envelope"], "The first message's envelope");
  passage.claim = readClaim(envelope["from"], envelope["request_id"]);
  if (message["type"] !== "call") throw malformed('The first message must have the type "call".');
  checkKeys(envelope);
  const body = objectIn(envelope["body"], "The envelope's body");
  const signed = envelope as unknown as RequestEnvelope;
  const headers: SignedHeaders = {
    capability: signed.capability,
    version: signed.version,
    request_id: signed.request_id,
    from: signed.from,
    community: signed.community,
    timestamp: signed.timestamp,
    signature: textIn(message["signature"], "signature"),
    to: signed.to,
    token: tokenIn(message["token"], o.fields.get("x-hearthnet-token")),
    timeoutMs: readTimeout(o.fields.get("x-hearthnet-timeout-ms")),
    traceId: o.fields.get("x-hearthnet-trace-id"),
    parentSpanId: undefined,
  };
  checkForm(headers, passage.rule.capability, fieldWrong);
  checkProof(headers, fieldWrong);
  // Remembered for longer than the message that they were cut out of.
  headers.request_id = ownId(headers.request_id);
  headers.from = ownId(headers.from);
  checkSaidTwice(o.fields, signed);
  placeInTrace(headers, o.fields.get("traceparent"));
  passage.headers = headers;
  passage.body = body;
  passage.envelope = signed;
}

function checkKeys(envelope: JsonObject): void {
  for (const key of KEYS) textIn(envelope[key], `envelope.${key}`);
  if (envelope["to"] !== undefined) textIn(envelope["to"], "envelope.to");
  const extra = Object.keys(envelope).find((key) => !ALLOWED.has(key));
  if (extra !== undefined)
    throw malformed("The envelope holds a key that is not signed by anybody else. Send the keys of the protocol only.");
}

function checkSaidTwice(fields: Fields, envelope: RequestEnvelope): void {
  for (const [header, key] of SAID_TWICE) {
    const said = fields.get(`x-hearthnet-${header}`);
    if (said !== undefined && said !== envelope[key])
      throw malformed(
        `The header X-HearthNet-${header} of the upgrade and the envelope's ${key} differ. Send the same, or leave the header out.`,
      );
  }
}

function tokenIn(inMessage: unknown, inHeader: string | undefined): string | undefined {
  if (inMessage === undefined) return inHeader;
  const token = textIn(inMessage, "token");
  if (Buffer.byteLength(token) > TOKEN_MAX_CHARS) throw malformed("The token is longer than 2048 bytes.");
  if (inHeader !== undefined && inHeader !== token)
    throw malformed("The token stands in header and message, and they differ. Send it once.");
  return token;
}

function objectIn(value: unknown, what: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw malformed(`${what} must be a JSON object.`);
}

function textIn(value: unknown, name: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw malformed(`The field ${name} is missing, or is no text.`);
}

const fieldWrong: typeof headerWrong = (name, why) =>
  malformed(
    `The envelope's ${name
      .replace(/^X-HearthNet-/, "")
      .toLowerCase()
      .replaceAll("-", "_")} ${why}.`,
  );

function malformed(message: string): HnError {
  return new HnError("bad_request", { reason: "message_malformed", message });
}
