/** Hosts as a plugin names them and as scopes list them. Both are read by one parser, so they mean the same. @source plugin-platform §3.1 `net.open` */
import { isIP, isIPv6 } from "node:net";

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

const HTTPS_PORT = 443;

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

export function plainHost(hostname: string): string | null {
  const host = hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  return host === "" || host.length > 253 ? null : host;
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

/** Names one host at one port. */
export function isExact({ host, below, port }: HostPattern): boolean {
  return host !== null && !below && port !== null;
}

/** Does one entry give nothing that the other does not give? */
export function isEntryWithin(inner: string, outer: string): boolean {
  if (inner === outer) return true;
  const [narrow, wide] = [parsePattern(inner), parsePattern(outer)];
  if (narrow === null || wide === null || (wide.port !== null && wide.port !== narrow.port)) return false;
  if (wide.host === null) return true;
  if (narrow.host === null) return false;
  if (!wide.below) return !narrow.below && narrow.host === wide.host;
  return narrow.host.endsWith(`.${wide.host}`) || (narrow.below && narrow.host === wide.host);
}

/** `host:port` as the ledger and refusals show it, and as a scope lists it. */
export function nameOf({ host, port }: Target): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
