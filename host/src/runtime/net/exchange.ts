/** One HTTP request over one connection that stands already. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { HnError } from "../../foundation/index.ts";
import type { Clock } from "../../contract/index.ts";
import type { Field } from "./headers.ts";
import { unreachable, type Connection } from "./open.ts";

export interface Request {
  method: string;
  url: URL;
  fields: readonly Field[];
  /** `null`: none; `"stream"`: it follows in pieces. */
  body: Uint8Array | "stream" | null;
  /** Of a body that follows, if it is known. */
  bodyBytes?: number | undefined;
}

export interface Exchange {
  request: ClientRequest;
  /** Settles when the answer's header has come. */
  response: Promise<IncomingMessage>;
}

const HEADER_MAX_BYTES = 32_768;
const FIELDS_MAX = 200;
const WITHOUT_BODY: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "DELETE"]);

/** @throws through `response`: partition reason host_unreachable · timeout · quota_exceeded · what ended the connection */
export function exchange(connection: Connection, request: Request, o: { clock: Clock; headersMs: number }): Exchange {
  const { method, url, fields, body, bodyBytes } = request;
  const { stream, target } = connection;
  const outgoing = httpRequest({
    createConnection: () => stream,
    method,
    path: `${url.pathname}${url.search}`,
    setHost: false,
    maxHeaderSize: HEADER_MAX_BYTES,
    insecureHTTPParser: false,
  });
  outgoing.maxHeadersCount = FIELDS_MAX;
  outgoing.setHeader("host", url.host);
  for (const [name, value] of fields) outgoing.appendHeader(name, value);
  // What the plugin gets is what was sent; it asks for a packed answer itself if it can open one.
  if (!outgoing.hasHeader("accept-encoding")) outgoing.setHeader("accept-encoding", "identity");
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    const limit = o.clock.setTimeout(() => {
      const late = new HnError("timeout", { message: `${target.host} did not answer in time.` });
      reject(late);
      stream.destroy(late);
    }, o.headersMs);
    const settle =
      <T>(then: (value: T) => void) =>
      (value: T): void => {
        limit.cancel();
        then(value);
      };
    const broken = (error?: Error): void => reject(unreachable(target, connection.wire.errored ?? stream.errored ?? error));
    outgoing.once("response", (answer: IncomingMessage) => {
      // Breaking off is told to whoever reads it; with nobody there it must not end the node.
      answer.on("error", () => {});
      settle(resolve)(answer);
    });
    outgoing.on("error", settle(broken));
    outgoing.once("close", settle(broken));
  });
  // Whoever waits for it may have left.
  response.catch(() => {});
  if (body === "stream") {
    if (bodyBytes !== undefined) {
      outgoing.setHeader("content-length", bodyBytes);
      // Node knows it and its types do not; without it a longer body would be the next request.
      Object.assign(outgoing, { strictContentLength: true });
    }
    outgoing.flushHeaders();
  } else if (body === null) {
    if (!WITHOUT_BODY.has(method)) outgoing.setHeader("content-length", 0);
    outgoing.end();
  } else {
    outgoing.setHeader("content-length", body.byteLength);
    outgoing.end(body);
  }
  return { request: outgoing, response };
}
