import type { FastifyRequest } from "fastify";
import { HnError } from "../../foundation/index.ts";

export const CANONICAL_HOST = "hearth.localhost";
const LOCAL_NAMES = new Set([CANONICAL_HOST, "localhost", "127.0.0.1", "[::1]"]);

/**
 * Refuses names that are not ours: a page of another site whose name was pointed at this machine would otherwise speak with our cookies.
 * @throws bad_request wrong_host
 * @source admin-ui §4 "Host list"
 */
export function checkHost(host: string | undefined, port: number): void {
  const match = /^(\[[0-9a-f:]+\]|[^:]+)(?::(\d{1,5}))?$/i.exec(host ?? "");
  const name = match?.[1]?.toLowerCase() ?? "";
  if (!LOCAL_NAMES.has(name) || Number(match?.[2] ?? 80) !== port) throw new HnError("bad_request", { reason: "wrong_host" });
}

/** True for a page opened under another of our names: cookies ignore ports, so the page lives under one name only. */
export function shouldRedirect(request: FastifyRequest): boolean {
  return (
    request.headers["sec-fetch-mode"] === "navigate" &&
    request.headers.host?.toLowerCase().startsWith(`${CANONICAL_HOST}:`) === false
  );
}

/**
 * Unsafe methods must come from our own page: `Sec-Fetch-Site: same-origin`, or where a browser sends none, our own `Origin`.
 * @throws unauthorized cross_site
 * @source admin-ui §4 "CSRF"
 */
export function checkOrigin(request: FastifyRequest): void {
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined ? site === "same-origin" : isOwnOrigin(request)) return;
  throw new HnError("unauthorized", { reason: "cross_site" });
}

/** For the WebSocket upgrade, where `Origin` is always sent by browsers. */
export function isOwnOrigin(request: Pick<FastifyRequest, "headers">): boolean {
  const { origin, host } = request.headers;
  return typeof origin === "string" && host !== undefined && origin.toLowerCase() === `http://${host.toLowerCase()}`;
}
