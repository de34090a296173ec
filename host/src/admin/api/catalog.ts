import type { GrantInput, InstallBody } from "../../contract/index.ts";
import { ApiReply, type ApiRequest, type ApiRoute } from "../context.ts";
import { idOf } from "./plugins.ts";
import { limitOf } from "./node.ts";
import { GRANTS, shape, TEXT } from "./shapes.ts";

const PACKAGE_MAX_BYTES = 67_108_864;

export const catalogRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/catalog",
    role: "viewer",
    handle: async (request: ApiRequest, { services }) => {
      const { ageSeconds, registries } = await services.marketplace.refresh();
      return {
        items: services.marketplace.search({
          limit: limitOf(request, 200),
          ...(request.query["q"] === undefined ? {} : { q: request.query["q"] }),
        }),
        age_seconds: ageSeconds,
        registries,
      };
    },
  },
  {
    method: "GET",
    path: "/catalog/:ns/:name",
    role: "viewer",
    handle: (request: ApiRequest, { services }) => services.marketplace.show(idOf(request)),
  },
  {
    method: "GET",
    path: "/catalog/:ns/:name/review",
    role: "viewer",
    handle: (request: ApiRequest, { services }) => services.marketplace.review(idOf(request), request.query["version"]),
  },
  {
    method: "POST",
    path: "/installs",
    role: "owner",
    stepUp: true,
    audit: "plugin.install",
    auditTarget: ({ id, version }: InstallBody) => `${id}@${version}`,
    body: shape({
      id: TEXT(80),
      version: TEXT(64),
      review_digest: TEXT(128),
      grants: GRANTS,
      "confirm_id?": { type: "string", maxLength: 80 },
      "use_old_catalogue?": { type: "boolean" },
      client_id: TEXT(64),
    }),
    handle: (request: ApiRequest<InstallBody>, { services, jobs }) => {
      const { id, version, review_digest, grants, confirm_id, use_old_catalogue, client_id } = request.body;
      const job = jobs.start({ kind: "install", subject: `${id}@${version}`, clientId: client_id }, (report, signal) =>
        services.marketplace.install({
          id,
          version,
          reviewDigest: review_digest,
          grants,
          grantedBy: "operator",
          ...(confirm_id === undefined ? {} : { confirmId: confirm_id }),
          useOldCatalogue: use_old_catalogue === true,
          signal,
          onProgress: report,
        }),
      );
      return new ApiReply({ job_id: job.id }, { status: 202 });
    },
  },
  {
    method: "POST",
    path: "/installs/terminal",
    role: "socket",
    audit: "plugin.install",
    auditTarget: ({ id, version }: { id: string; version?: string }) => (version === undefined ? id : `${id}@${version}`),
    body: shape({
      id: TEXT(80),
      "version?": TEXT(64),
      grants: { oneOf: [{ const: "all" }, GRANTS] },
      "confirm_id?": { type: "string", maxLength: 80 },
      "use_old_catalogue?": { type: "boolean" },
      client_id: TEXT(64),
    }),
    handle: (
      request: ApiRequest<Partial<InstallBody> & Pick<InstallBody, "id" | "client_id"> & { grants: "all" | GrantInput[] }>,
      { services, jobs },
    ) => {
      const { id, version, grants, confirm_id, use_old_catalogue, client_id } = request.body;
      const job = jobs.start({ kind: "install", subject: id, clientId: client_id }, (report, signal) =>
        services.marketplace.install({
          id,
          ...(version === undefined ? {} : { version }),
          grants,
          grantedBy: "operator",
          ...(confirm_id === undefined ? {} : { confirmId: confirm_id }),
          useOldCatalogue: use_old_catalogue === true,
          signal,
          onProgress: report,
        }),
      );
      return new ApiReply({ job_id: job.id }, { status: 202 });
    },
  },
  {
    method: "POST",
    path: "/packages",
    role: "owner",
    stepUp: true,
    octets: true,
    bodyLimit: PACKAGE_MAX_BYTES,
    audit: "package.import",
    handle: async (request: ApiRequest<Buffer>, { services }) => ({
      items: [await services.marketplace.importPackage(request.body)],
    }),
  },
];
