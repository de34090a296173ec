import type { Grant, GrantInput, JsonObject, PluginDetail, PluginItem, PluginStatus } from "../../contract/index.ts";
import { requested, weightOf } from "../../format/index.ts";
import { HnError } from "../../foundation/index.ts";
import { blake3, canonicalBytes } from "../../identity/index.ts";
import type { AdminContext, ApiRequest, ApiRoute } from "../context.ts";
import { limitOf } from "./node.ts";
import { readPluginTexts } from "./plugin-texts.ts";
import { EMPTY, GRANTS, shape } from "./shapes.ts";

const BASE = "/plugins/:ns/:name";

export const pluginRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/plugins",
    role: "viewer",
    handle: (_request: ApiRequest, { services: { runtime, marketplace } }) => ({
      items: runtime.list().map((status): PluginItem => ({ ...status, update: marketplace.newer(status.id) })),
    }),
  },
  {
    method: "GET",
    path: BASE,
    role: "viewer",
    handle: (request: ApiRequest, context): PluginDetail => detail(idOf(request), context),
  },
  ...(["enable", "disable", "restart"] as const).map((verb): ApiRoute => ({
    method: "POST",
    path: `${BASE}/${verb}`,
    role: "operator",
    body: EMPTY,
    audit: `plugin.${verb}`,
    handle: (request: ApiRequest, context): Promise<PluginStatus> => {
      const id = known(request, context);
      return context.services.runtime[verb](id);
    },
  })),
  {
    method: "DELETE",
    path: BASE,
    role: "owner",
    stepUp: true,
    audit: "plugin.remove",
    handle: async (request: ApiRequest, context) => {
      await context.services.runtime.remove(known(request, context), { keepData: request.query["keep_data"] !== "no" });
      return {};
    },
  },
  {
    method: "GET",
    path: `${BASE}/grants`,
    role: "viewer",
    handle: (request: ApiRequest, context) => {
      const items = context.services.runtime.grants(known(request, context));
      return { items, etag: etagOf(items) };
    },
  },
  {
    method: "PUT",
    path: `${BASE}/grants`,
    role: "owner",
    stepUp: true,
    body: shape({
      grants: GRANTS,
      etag: { type: "string", maxLength: 128 },
      "confirm_id?": { type: "string", maxLength: 80 },
    }),
    audit: "plugin.grants",
    handle: (request: ApiRequest<GrantsBody>, context) => setGrants(request, context),
  },
  {
    method: "GET",
    path: `${BASE}/config`,
    role: "operator",
    handle: (request: ApiRequest, context) => context.services.runtime.config(known(request, context)),
  },
  {
    method: "PUT",
    path: `${BASE}/config`,
    role: "operator",
    body: shape({
      value: { type: "object" },
      "secrets?": { type: "object", additionalProperties: { type: "string", maxLength: 4096 } },
      etag: { type: "string", maxLength: 128 },
    }),
    audit: "plugin.config",
    handle: (request: ApiRequest<{ value: JsonObject; secrets?: Record<string, string>; etag: string }>, context) => {
      const id = known(request, context);
      const { runtime } = context.services;
      if (runtime.config(id).etag !== request.body.etag) throw new HnError("expired", { reason: "etag_stale" });
      return runtime.setConfig(id, request.body.value, request.body.secrets ?? {});
    },
  },
  {
    method: "GET",
    path: `${BASE}/logs`,
    role: "operator",
    handle: (request: ApiRequest, context) => {
      const before = Number(request.query["before"]);
      const level = request.query["level"];
      return {
        items: context.services.runtime.logs(known(request, context), {
          limit: limitOf(request, 200),
          ...(Number.isSafeInteger(before) && before > 0 ? { before } : {}),
          ...(level === undefined ? {} : { level }),
        }),
      };
    },
  },
];

export function idOf(request: Pick<ApiRequest, "params">): string {
  return `${request.params["ns"] ?? ""}/${request.params["name"] ?? ""}`;
}

/** @throws not_found */
export function known(request: Pick<ApiRequest, "params">, { services }: AdminContext): string {
  const id = idOf(request);
  if (services.runtime.get(id) === undefined)
    throw new HnError("not_found", { message: `The plugin ${id.slice(0, 80)} is not installed here.` });
  return id;
}

function detail(id: string, { services }: AdminContext): PluginDetail {
  const status = services.runtime.get(id);
  const release = services.runtime.release(id);
  if (status === undefined || release === undefined)
    throw new HnError("not_found", { message: `The plugin ${id.slice(0, 80)} is not installed here.` });
  const { runtime, marketplace } = services;
  const { manifest, dir } = release;
  const asked = requested([...manifest.permissions, ...(manifest.optionalPermissions ?? [])]);
  const weights = asked.map((right) => [right.permission, weightOf(right, manifest.contributes.capabilities ?? [])]);
  return {
    ...status,
    update: marketplace.newer(id),
    manifest,
    grants: runtime.grants(id),
    weights: Object.fromEntries(weights) as Record<string, number>,
    texts: readPluginTexts(dir),
  };
}

interface GrantsBody {
  grants: GrantInput[];
  etag: string;
  confirm_id?: string;
}

async function setGrants(request: ApiRequest<GrantsBody>, context: AdminContext): Promise<{ items: Grant[]; etag: string }> {
  const id = known(request, context);
  const { runtime, marketplace } = context.services;
  const { grants, etag, confirm_id: confirmId } = request.body;
  if (etagOf(runtime.grants(id)) !== etag) throw new HnError("expired", { reason: "etag_stale" });
  const items = await marketplace.regrant({
    id,
    grants,
    grantedBy: "operator",
    ...(confirmId === undefined ? {} : { confirmId }),
  });
  return { items, etag: etagOf(items) };
}

function etagOf(grants: Grant[]): string {
  return blake3(
    canonicalBytes(grants.map(({ permission, scope, mode, expires = 0 }) => ({ permission, scope, mode, expires }))),
  ).slice(0, 39);
}
