import type { ServerResponse } from "node:http";
import { readFile } from "node:fs/promises";
import type { FastifyInstance } from "fastify";
import { CANONICAL_HOST } from "../listener/guard.ts";
import type { OpenVisit, PanelVisits } from "./visits.ts";

/** The panels' own name: another origin than the page's, to which no cookie of ours goes. */
const PANEL_HOST = `panels.${CANONICAL_HOST}`;

export function panelOrigin(port: number): string {
  return `http://${PANEL_HOST}:${port}`;
}

/**
 * Serves panels under their own name, where nothing else is served. Before every other door: a frame's navigation would else be sent to the
 * page's own address.
 * @param o.isCurrent  whether the release that a visit shows is still the one that runs, with its panel allowed
 * @source admin-ui §17
 */
export function mountPanelHost(
  app: FastifyInstance,
  o: { visits: PanelVisits; port: () => number; isCurrent: (visit: OpenVisit) => boolean },
): void {
  app.addHook("onRequest", async (request, reply) => {
    if (request.headers.host?.toLowerCase() !== `${PANEL_HOST}:${o.port()}`) return;
    reply.hijack();
    const { method, url } = request.raw;
    await serve({ method, url: url ?? "" }, reply.raw, o);
  });
}

async function serve(
  { method, url }: { method: string | undefined; url: string },
  response: ServerResponse,
  o: { visits: PanelVisits; port: () => number; isCurrent: (visit: OpenVisit) => boolean },
): Promise<void> {
  const [, token = "", path = ""] = /^\/([A-Za-z0-9_-]{43})\/([^?#%\\]{1,300})$/.exec(url.split("?")[0] ?? "") ?? [];
  const visit = o.visits.find(token);
  const found = visit !== undefined && o.isCurrent(visit) ? visit.files.get(path) : undefined;
  const headers = headersFor(token, o.port());
  if (found === undefined || (method !== "GET" && method !== "HEAD")) {
    response.writeHead(404, { ...headers, "content-type": "text/plain; charset=utf-8" });
    response.end("There is no such panel here. Open it from the plugin's page.\n");
    return;
  }
  const bytes = await readFile(found.file).catch(() => undefined);
  response.writeHead(bytes === undefined ? 404 : 200, { ...headers, "content-type": found.type });
  response.end(method === "HEAD" ? undefined : bytes);
}

/** Opened directly, the address is as inert as in its frame. @source admin-ui §17 "Frame" */
function headersFor(token: string, port: number): Record<string, string> {
  const own = `${panelOrigin(port)}/${token === "" ? "none" : token}/`;
  return {
    "content-security-policy": [
      "sandbox allow-scripts",
      "default-src 'none'",
      "connect-src 'none'",
      `img-src data: ${own}`,
      `script-src ${own}`,
      `style-src ${own}`,
      "base-uri 'none'",
      "form-action 'none'",
      `frame-ancestors http://${CANONICAL_HOST}:${port}`,
    ].join("; "),
    "permissions-policy": "camera=(), microphone=(), geolocation=(), clipboard-read=(), usb=(), serial=()",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "cross-origin",
    "cross-origin-opener-policy": "same-origin",
  };
}
