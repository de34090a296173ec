/** Where a plugin wants to go, and the entries of a scope that may cover it. Both are read by one parser, so they mean the same. */
import { isIP, isIPv6 } from "node:net";
import { HnError } from "../../foundation/index.ts";

export interface Target {
  /** Lower-case name in its ASCII form, or an IP address without brackets. */
  host: string;
  port: number;
}

/** Name, wildcard or address, and the port; `null` in its place means any. */
export interface HostPattern {
  host: string | null;
  /** The pattern was `*.host`: everything below it, itself not included. */
  below: boolean;
  port: number | null;
}

const URL_MAX = 8192;
const HTTPS_PORT = 443;
const PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443, "ws:": 80, "wss:": 443 };

/** Host in the form that everything compares; null when it is none. `0x7f.1` becomes `127.0.0.1`, as it would for whoever connects. */
export function parseHost(text: string): string | null {
  if (text.length > 260 || !(isIPv6(text) || /^\[[0-9a-fA-F:.]+\]$|^[^\s/?#@\\:%[\]<>^|*]+$/.test(text))) return null;
  let parsed: URL;
  try {
    parsed = new URL(`http://${isIPv6(text) ? `[${text}]` : text}/`);
  } catch {
    return null;
  }
  return plainHost(parsed.hostname);
}

/** @throws bad_request */
export function parseTarget(host: string, port: number): Target {
  const name = parseHost(host);
  if (name === null) throw new HnError("bad_request", { message: "The host is no name and no address.", paths: ["/host"] });
  if (port < 1 || port > 65_535)
    throw new HnError("bad_request", { message: "A port lies between 1 and 65535.", paths: ["/port"] });
  return { host: name, port };
}

/**
 * @param schemes  allowed ones, such as `http:`
 * @throws bad_request
 */
export function parseUrl(text: string, schemes: readonly string[]): { url: URL; target: Target; tls: boolean } {
  const wrong = (message: string): HnError => new HnError("bad_request", { message, paths: ["/url"] });
  if (text.length > URL_MAX || !URL.canParse(text)) throw wrong(`The URL is malformed or longer than ${URL_MAX} characters.`);
  const url = new URL(text);
  if (!schemes.includes(url.protocol))
    throw wrong(`The URL must begin with ${schemes.map((scheme) => `${scheme}//`).join(" or ")}.`);
  if (url.username !== "" || url.password !== "")
    throw wrong("A URL carries no name and no password; send them in a header, a password as a secret.");
  const host = plainHost(url.hostname);
  if (host === null) throw wrong("The URL names no host.");
  url.hash = "";
  return { url, target: targetOf(url, host), tls: url.protocol === "https:" || url.protocol === "wss:" };
}

/** What the operator typed into a field for addresses; undefined when it is no URL that a plugin could call. */
export function endpointOf(text: string): Target | undefined {
  if (text.length > URL_MAX || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  // Schemes that the standard does not know leave their host as it was typed.
  const host = parseHost(url.hostname);
  if (host === null || (PORTS[url.protocol] === undefined && url.port === "")) return undefined;
  return targetOf(url, host);
}

/**
 * `host:port`, `host` (port 443), `*.host:port`, `*:port`, `*` (everything); addresses of IPv6 in brackets. What is malformed covers nothing.
 */
export function parsePattern(text: string): HostPattern | null {
  if (text === "*") return { host: null, below: false, port: null };
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text);
  if (match?.[1] === undefined) return null;
  const port = match[2] === undefined ? HTTPS_PORT : Number(match[2]);
  if (port < 1 || port > 65_535) return null;
  if (match[1] === "*") return { host: null, below: false, port };
  const below = match[1].startsWith("*.");
  const host = parseHost(below ? match[1].slice(2) : match[1]);
  return host === null || (below && isIP(host) !== 0) ? null : { host, below, port };
}

export function covers(pattern: HostPattern, { host, port }: Target): boolean {
  if (pattern.port !== null && pattern.port !== port) return false;
  if (pattern.host === null) return true;
  return pattern.below ? host.endsWith(`.${pattern.host}`) && isIP(host) === 0 : host === pattern.host;
}

/** `host:port` as the ledger and refusals show it. */
export function nameOf({ host, port }: Target): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

function plainHost(hostname: string): string | null {
  const host = hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  return host === "" || host.length > 253 ? null : host;
}

function targetOf(url: URL, host: string): Target {
  return { host, port: url.port === "" ? (PORTS[url.protocol] ?? HTTPS_PORT) : Number(url.port) };
}
