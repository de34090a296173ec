/** `ctx.fetch`: one request, its redirects, its answer in pieces. @source plugin-platform §4.3, §3.1 Network */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { JsonObject } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { exchange, type Request } from "./exchange.ts";
import { fieldsOf, type Field } from "./headers.ts";
import type { Talk } from "./talk.ts";
import type { Network } from "./network.ts";
import type { Connection } from "./open.ts";
import { piecesOf, writeTo } from "./pieces.ts";
import { needsTls, secretField, type SecretHeader } from "./secret-headers.ts";
import { nameOf, type Target } from "../permission/index.ts";
import { parseUrl } from "./target.ts";

export interface FetchRequest {
  url: string;
  method: string;
  fields: readonly Field[];
  body: Request["body"];
  bodyBytes?: number | undefined;
  secrets: readonly SecretHeader[];
  redirect: "follow" | "manual" | "error";
  /** Until the answer's header has come, milliseconds. */
  headersMs: number;
}

interface Hop extends Request {
  target: Target;
  tls: boolean;
  secrets: readonly SecretHeader[];
}

const HOPS_MAX = 5;
const IDLE_MS = 120_000;
const ANSWER_MAX_BYTES = 1_073_741_824;
const SCHEMES = ["http:", "https:"];
/** They were meant for the first host. */
const FOR_ONE_HOST: ReadonlySet<string> = new Set(["authorization", "cookie"]);

/**
 * Frames: `open {handle}` when a body is to follow, `head {status, headers, url, redirected}`, then `data {bytes}`.
 * @returns how many bytes the answer had
 * @throws permission_denied · bad_request · as `Network.use`
 */
export async function fetchFor(network: Network, request: FetchRequest, talk: Talk): Promise<JsonObject> {
  let hop: Hop = { ...request, ...parseUrl(request.url, SCHEMES) };
  for (let hops = 0; ; hops += 1) {
    const outcome = await oneHop(network, { hop, request, hops }, talk);
    if ("bytes" in outcome) return outcome;
    if (hops === HOPS_MAX)
      throw new HnError("partition", { reason: "host_unreachable", message: `${nameOf(hop.target)} redirects without an end.` });
    hop = outcome.next;
  }
}

function oneHop(
  network: Network,
  o: { hop: Hop; request: FetchRequest; hops: number },
  talk: Talk,
): Promise<{ next: Hop } | { bytes: number }> {
  const { hop, request, hops } = o;
  const { target, tls, secrets } = hop;
  talk.about(target);
  if (secrets.some(({ header }) => hop.fields.some(([other]) => other === header)))
    throw new HnError("bad_request", { message: "A header field is given twice, once as a secret.", paths: ["/secrets"] });
  const field = (secret: SecretHeader): Field => secretField(secret, target, network.rights(talk));
  const also = secrets.map((secret) => () => void field(secret));
  return network.use({ target, tls, talk, also }, async (connection) => {
    talk.opened(connection);
    const refusal = secrets.length > 0 && !tls ? needsTls(target, connection.kind) : undefined;
    if (refusal !== undefined) throw refusal;
    // Once more: rights may have changed since.
    const fields = [...hop.fields, ...(await talk.decide(() => secrets.map(field)))];
    for (const { secret } of secrets) talk.lent(secret, target);
    const sent = exchange(connection, { ...hop, fields }, { clock: network.options.clock, headersMs: request.headersMs });
    const answer = async (): Promise<{ next: Hop } | { bytes: number }> => {
      const response = await sent.response;
      const next = request.redirect === "manual" ? undefined : redirected(hop, response);
      if (next !== undefined && request.redirect === "error")
        throw new HnError("partition", {
          reason: "host_unreachable",
          message: `${nameOf(target)} redirects, which was not wanted.`,
        });
      if (next !== undefined) return { next };
      return pass(response, { connection, network, url: hop.url.href, redirected: hops > 0 }, talk);
    };
    if (hop.body !== "stream") return answer();
    const writer = {
      write: ({ bytes }: { bytes: Uint8Array }) => writeTo(sent.request, bytes),
      end: () => endOf(sent.request),
    };
    return network.lend(writer, async (handle) => {
      await talk.frame("open", { handle });
      return answer();
    });
  });
}

/** A body that is not as long as was said cannot be mended any more. */
function endOf(request: ClientRequest): void {
  try {
    request.end();
  } catch (error) {
    request.destroy(error as Error);
  }
}

async function pass(
  response: IncomingMessage,
  o: { connection: Connection; network: Network; url: string; redirected: boolean },
  talk: Talk,
): Promise<{ bytes: number }> {
  await talk.frame("head", {
    status: response.statusCode ?? 0,
    headers: fieldsOf(response),
    url: o.url,
    redirected: o.redirected,
  });
  let bytes = 0;
  for await (const piece of piecesOf(response, { clock: o.network.options.clock, idleMs: IDLE_MS })) {
    bytes += piece.byteLength;
    if (bytes > ANSWER_MAX_BYTES)
      throw new HnError("quota_exceeded", { message: `An answer is at most ${ANSWER_MAX_BYTES} bytes long.` });
    await talk.frame("data", { bytes: piece as never });
  }
  // An answer that broke off looks like a short one to whoever counts on its end.
  if (!response.complete) throw new HnError("partition", { reason: "stream_cut" });
  return { bytes };
}

/** The next request, or undefined when the answer is no redirect. It is decided over like the first. @source Fetch standard §4.4 */
function redirected(hop: Hop, { statusCode = 0, headers }: IncomingMessage): Hop | undefined {
  const { location } = headers;
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return undefined;
  if (!URL.canParse(location, hop.url))
    throw new HnError("partition", { reason: "host_unreachable", message: `${nameOf(hop.target)} redirects to no address.` });
  const next = parseUrl(new URL(location, hop.url).href, SCHEMES);
  const elsewhere = next.url.origin !== hop.url.origin;
  const asGet = statusCode === 303 ? hop.method !== "HEAD" : statusCode < 303 && hop.method === "POST";
  if (!asGet && hop.body === "stream")
    throw new HnError("partition", {
      reason: "host_unreachable",
      message: `${nameOf(hop.target)} wants the body sent elsewhere, but it is gone.`,
    });
  const dropped = (name: string): boolean => (elsewhere && FOR_ONE_HOST.has(name)) || (asGet && name.startsWith("content-"));
  return {
    ...hop,
    ...next,
    method: asGet ? "GET" : hop.method,
    body: asGet ? null : hop.body,
    fields: hop.fields.filter(([name]) => !dropped(name)),
    secrets: elsewhere ? [] : hop.secrets,
  };
}
