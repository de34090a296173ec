import { classOf } from "../../foundation/index.ts";

/**
 * Whether traces may go to this address: a collector on this machine or in the house. They name neighbours, so none may lie on the internet; a
 * name could lead anywhere tomorrow, so only `localhost` is taken as one.
 * @source 33 X6, §5.5
 */
export function isNearby(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(url);
  if ((protocol !== "http:" && protocol !== "https:") || username !== "" || password !== "" || search !== "" || hash !== "")
    return false;
  const kind = classOf(hostname.replace(/^\[|\]$/g, ""));
  return hostname === "localhost" || kind === "loopback" || kind === "lan";
}
