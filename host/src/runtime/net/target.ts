/** Where a plugin wants to go, as it says so itself or as the operator typed it. */
import { HnError } from "../../foundation/index.ts";
import { parseHost, plainHost, type Target } from "../permission/index.ts";

const URL_MAX = 8192;
const HTTPS_PORT = 443;
const PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443, "ws:": 80, "wss:": 443 };

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

function targetOf(url: URL, host: string): Target {
  return { host, port: url.port === "" ? (PORTS[url.protocol] ?? HTTPS_PORT) : Number(url.port) };
}
