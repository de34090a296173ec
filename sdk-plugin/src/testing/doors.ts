/** A plugin's doors under test: what comes in by them, as the node would hand it over. */
import type { RouteAnswer, RouteRequest } from "@hearthnet/host/contract";
import { HnError } from "../error.ts";
import type { PluginHost } from "@hearthnet/host/plugin-host";
import type { HttpAsk } from "./options.ts";

let count = 0;

export async function askRoute(host: PluginHost, address: string, ask: HttpAsk): Promise<RouteAnswer> {
  const [method = "", path = ""] = address.split(" ");
  const match = host.mounts.find(method, path);
  if (match === undefined) throw new HnError("not_found", { message: `No route is open at ${address}.` });
  return match.route.serve(routeRequest(host, { match, path, ask }));
}

type Match = NonNullable<ReturnType<PluginHost["mounts"]["find"]>>;

/** A request as the node hands it over once its sender is proven. */
export function routeRequest(host: PluginHost, { match, path, ask }: { match: Match; path: string; ask: HttpAsk }): RouteRequest {
  const { route, params } = match;
  const { as, timeoutMs, signal, query = {}, headers = {}, json, bytes } = ask;
  const open = route.auth === "public" || route.auth === "bearer";
  count += 1;
  const id = `test-request-${count}`;
  return {
    path,
    params,
    query,
    headers,
    body: { ...(json === undefined ? {} : { json }), ...(bytes === undefined ? {} : { bytes }) },
    caller: open ? null : host.as(as ?? "member"),
    requestId: id,
    traceId: id,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    signal: signal ?? new AbortController().signal,
  };
}
