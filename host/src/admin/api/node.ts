import type { ApiRequest, ApiRoute } from "../context.ts";
import { shape, TEXT } from "./shapes.ts";

const LIMIT_MAX = 500;

export const nodeRoutes: readonly ApiRoute[] = [
  { method: "GET", path: "/node", role: "viewer", handle: (_request: ApiRequest, { services }) => services.facts() },
  {
    method: "PATCH",
    path: "/node",
    role: "owner",
    body: shape({ "display_name?": TEXT(64) }),
    audit: "node.rename",
    handle: (request: ApiRequest<{ display_name?: string }>, { services, live }) => {
      if (request.body.display_name !== undefined) services.setDisplayName(request.body.display_name);
      live.publish("node", services.facts());
      return services.facts();
    },
  },
  {
    method: "GET",
    path: "/health",
    role: "viewer",
    handle: async (_request: ApiRequest, { services }) => ({
      items: await services.health(),
      confinement: services.confinement(),
    }),
  },
  {
    method: "GET",
    path: "/audit",
    role: "owner",
    handle: (request: ApiRequest, { audit }) => ({ items: audit.recent(limitOf(request, 50)), chain_ok: audit.chainOk() }),
  },
  { method: "GET", path: "/jobs", role: "viewer", handle: (_request: ApiRequest, { jobs }) => ({ items: jobs.list() }) },
  {
    method: "GET",
    path: "/jobs/:id",
    role: "viewer",
    handle: (request: ApiRequest, { jobs }) => jobs.get(request.params["id"] ?? ""),
  },
  {
    method: "DELETE",
    path: "/jobs/:id",
    role: "owner",
    audit: "job.cancel",
    handle: (request: ApiRequest, { jobs }) => jobs.cancel(request.params["id"] ?? ""),
  },
];

/** `?limit=`, at most 500. */
export function limitOf(request: Pick<ApiRequest, "query">, fallback: number): number {
  const asked = Number(request.query["limit"] ?? fallback);
  return Number.isSafeInteger(asked) && asked > 0 ? Math.min(asked, LIMIT_MAX) : fallback;
}
