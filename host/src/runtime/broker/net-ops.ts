/** The network, opened by the host. @source plugin-platform §4.3 `ctx.fetch`, `ctx.net` */
import type { JsonObject, JsonValue, PermissionName } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import {
  connectFor,
  fetchFor,
  parseTarget,
  readFields,
  readSecretHeaders,
  udpFor,
  webSocketFor,
  type FetchRequest,
  type Talk,
} from "../net/index.ts";
import { nameOf } from "../permission/index.ts";
import { flag, optionalText, optionalWhole, text, whole } from "./arguments.ts";
import type { OpFamily } from "./op-family.ts";
import type { OpCall } from "./scope.ts";

const HEADERS_MS = 120_000;
const HEADERS_MAX_MS = 600_000;
const PROTOCOLS_MAX = 8;
/** What is larger comes in pieces, of which few are here at a time. */
const BODY_MAX = 1_048_576;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
/** They make a tunnel of the connection, or show what was sent to whoever asks. */
const NO_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);
const NO_BODY: ReadonlySet<string> = new Set(["GET", "HEAD"]);

export const NET_OPS: OpFamily<"net"> = {
  "net.fetch": (op) => counted(op, (talk) => fetchFor(op.scope.network, readFetch(op.args), talk)),
  "net.connect": (op) =>
    counted(op, (talk) =>
      connectFor(
        op.scope.network,
        { target: parseTarget(text(op.args, "host", 260), whole(op.args, "port")), tls: flag(op.args, "tls") },
        talk,
      ),
    ),
  "net.websocket": (op) =>
    counted(op, (talk) =>
      webSocketFor(
        op.scope.network,
        {
          url: text(op.args, "url", 8192),
          protocols: readProtocols(op.args["protocols"]),
          fields: readFields(op.args["headers"]),
          secrets: readSecretHeaders(op.args["secrets"]),
        },
        talk,
      ),
    ),
  "net.udp": (op) => counted(op, (talk) => udpFor(op.scope.network, { family: flag(op.args, "ipv6") ? 6 : 4 }, talk)),
  "net.write": async ({ scope, args }) => {
    const bytes: unknown = args["bytes"];
    if (!(bytes instanceof Uint8Array)) throw new HnError("bad_request", { message: "The argument bytes must be bytes." });
    const host = optionalText(args, "host", 260);
    await scope.network.write(whole(args, "handle"), {
      bytes,
      text: flag(args, "text"),
      to: host === undefined ? undefined : parseTarget(host, whole(args, "port")),
    });
    return {};
  },
  "net.end": ({ scope, args }) => {
    const code = optionalWhole(args, "code");
    const reason = optionalText(args, "reason", 100) ?? "";
    // RFC 6455 §7.4: what an application may say; the other codes are the protocol's own.
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999))
      throw new HnError("bad_request", { message: "A WebSocket is closed with 1000, or 3000 to 4999." });
    if (Buffer.byteLength(reason) > 123) throw new HnError("bad_request", { message: "The reason is too long." });
    scope.network.end(whole(args, "handle"), { code, reason });
    return {};
  },
};

/** Tells the ledger where it went and how many bytes crossed the wire, however it ends. */
async function counted(op: OpCall, work: (talk: Talk) => Promise<JsonObject>): Promise<JsonValue> {
  const wires: Wire[] = [];
  try {
    return await work(talkOf(op, wires));
  } finally {
    op.note({
      bytesIn: wires.reduce((sum, wire) => sum + wire.bytesIn, 0),
      bytesOut: wires.reduce((sum, wire) => sum + wire.bytesOut, 0),
    });
  }
}

interface Wire {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** @param wires  those that were opened are added */
export function talkOf(op: OpCall, wires: Wire[] = []): Talk {
  let [target, permission] = ["", "" as PermissionName | ""];
  /** Where one op goes to several places, by redirects or datagrams, each has a row; the bytes stand in that of the last. */
  const leave = (next: string): void => {
    if (permission !== "" && target !== "" && target !== next)
      op.scope.onUsed({ op: permission === "net.udp" ? "net.udp" : "net.fetch", permission, target, trace: traceOf(op) });
    target = next;
  };
  return {
    signal: op.signal,
    grants: op.scope.grants,
    passing: op.passing,
    decide: op.decide,
    frame: op.frame,
    about(to) {
      leave(nameOf(to));
      op.note({ target });
    },
    lent: (secret, to) =>
      op.scope.onUsed({
        op: "secret.use",
        permission: "secret.use",
        target: `${secret} at ${nameOf(to)}`,
        trace: traceOf(op),
      }),
    opened(connection) {
      permission = connection.permission;
      op.note({ permission });
      wires.push(connection.wire);
    },
  };
}

function traceOf({ parent }: OpCall): string {
  return parent?.call.traceId ?? "";
}

/** @throws bad_request */
function readFetch(args: JsonObject): FetchRequest {
  const method = optionalText(args, "method", 32) ?? "GET";
  if (!/^[A-Z]{1,20}$/.test(method) || NO_METHODS.has(method))
    throw new HnError("bad_request", { message: "The method is none that can be sent.", paths: ["/method"] });
  const redirect = optionalText(args, "redirect", 8) ?? "follow";
  if (redirect !== "follow" && redirect !== "manual" && redirect !== "error")
    throw new HnError("bad_request", { message: "redirect is follow, manual or error.", paths: ["/redirect"] });
  const given: unknown = args["body"] ?? null;
  const body = flag(args, "upload") ? "stream" : given instanceof Uint8Array ? given : null;
  if (body === null && given !== null) throw new HnError("bad_request", { message: "A body is bytes.", paths: ["/body"] });
  if (body instanceof Uint8Array && body.byteLength > BODY_MAX)
    throw new HnError("bad_request", { reason: "too_large", message: "A body of more than 1 MiB is sent in pieces." });
  if (body !== null && NO_BODY.has(method))
    throw new HnError("bad_request", { message: `A ${method} request has no body.`, paths: ["/body"] });
  return {
    url: text(args, "url", 8192),
    method,
    fields: readFields(args["headers"]),
    body,
    bodyBytes: optionalWhole(args, "uploadBytes"),
    secrets: readSecretHeaders(args["secrets"]),
    redirect,
    headersMs: Math.min(optionalWhole(args, "timeoutMs") ?? HEADERS_MS, HEADERS_MAX_MS),
  };
}

function readProtocols(value: unknown): string[] {
  const list: unknown = value ?? [];
  const fits =
    Array.isArray(list) &&
    list.length <= PROTOCOLS_MAX &&
    new Set(list).size === list.length &&
    list.every((one): one is string => typeof one === "string" && TOKEN.test(one));
  if (!fits) throw new HnError("bad_request", { message: "Protocols are up to 8 different names.", paths: ["/protocols"] });
  return list;
}
