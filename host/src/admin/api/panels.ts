import { PANEL_LIMITS, type JsonValue, type PanelVisit } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { AdminContext, ApiRequest, ApiRoute } from "../context.ts";
import { known } from "./plugins.ts";
import { EMPTY, shape } from "./shapes.ts";

const BASE = "/plugins/:ns/:name/panels/:panel";

/** Panels of plugins: opened by a signed-in browser, and asking their plugin through it. @source admin-ui §17, plugin-platform §4.6 */
export const panelRoutes: readonly ApiRoute[] = [
  {
    method: "POST",
    path: `${BASE}/open`,
    role: "operator",
    body: EMPTY,
    handle: (request: ApiRequest, context): PanelVisit => open(request, context),
  },
  {
    method: "POST",
    path: `${BASE}/call`,
    role: "operator",
    body: shape({ visit: { type: "string", maxLength: 64 }, method: { type: "string", minLength: 1, maxLength: 64 }, input: {} }),
    // The input, and what stands around it.
    bodyLimit: PANEL_LIMITS.messageBytes + 1024,
    handle: async (request: ApiRequest<{ visit: string; method: string; input: JsonValue }>, context) => {
      const plugin = known(request, context);
      const panel = request.params["panel"] ?? "";
      const { visit, method, input } = request.body;
      context.panels.admitCall(visit, { plugin, panel, sessionId: browserOf(request) });
      const o = { requestId: request.raw.id, signal: request.signal };
      return { value: await context.services.runtime.panel(plugin, { panel, method, input }, o) };
    },
  },
];

function open(request: ApiRequest, context: AdminContext): PanelVisit {
  const plugin = known(request, context);
  const { runtime } = context.services;
  const release = runtime.release(plugin);
  const panel = release?.manifest.contributes.panels?.find(({ id }) => id === request.params["panel"]);
  if (release === undefined || panel === undefined) throw new HnError("not_found", { message: "The plugin has no such panel." });
  if (!mayShow(plugin, context))
    throw new HnError("permission_denied", { message: "The plugin has no permission to show a panel." });
  const { dir, sha256 } = release;
  const { visit, path } = context.panels.open({
    plugin,
    panel: panel.id,
    sha256,
    dir,
    entry: panel.entry,
    sessionId: browserOf(request),
  });
  return { visit, src: `${context.panelOrigin()}${path}` };
}

/** A plugin that is not allowed to, or that is locked away, shows nothing. */
export function mayShow(plugin: string, { services }: Pick<AdminContext, "services">): boolean {
  const state = services.runtime.get(plugin)?.state;
  const grants = services.runtime.grants(plugin).filter(({ permission }) => permission === "ui.panel");
  return state !== undefined && state !== "quarantined" && grants.length > 0 && grants.every(({ mode }) => mode === "allow");
}

function browserOf({ caller }: Pick<ApiRequest, "caller">): string {
  if (caller.sessionId !== undefined) return caller.sessionId;
  throw new HnError("not_implemented", { message: "A panel is shown in a browser. Open the plugin's page there." });
}
