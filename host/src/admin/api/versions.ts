import type { KeptVersion, UpdateBody } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { ApiReply, type ApiRequest, type ApiRoute } from "../context.ts";
import { known } from "./plugins.ts";
import { GRANTS, shape, TEXT } from "./shapes.ts";

const BASE = "/plugins/:ns/:name";

/** One version of a plugin follows another, or comes back. @source admin-ui §3, plugin-platform §6.4 */
export const versionRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: `${BASE}/versions`,
    role: "viewer",
    handle: (request: ApiRequest, context) => ({
      items: context.services.runtime
        .kept(known(request, context))
        .map(({ release, keptSince, grants, losesSince }): KeptVersion => ({
          version: release.version,
          sha256: release.sha256,
          kept_since: keptSince,
          permissions: grants.filter(({ mode }) => mode === "allow").map(({ permission }) => permission),
          loses_since: losesSince,
        })),
    }),
  },
  {
    method: "POST",
    path: `${BASE}/update`,
    role: "owner",
    stepUp: true,
    audit: "plugin.update",
    body: shape({
      "version?": TEXT(64),
      "review_digest?": TEXT(128),
      "grants?": { oneOf: [{ const: "all" }, GRANTS] },
      "confirm_id?": { type: "string", maxLength: 80 },
      "use_old_catalogue?": { type: "boolean" },
      client_id: TEXT(64),
    }),
    handle: (request: ApiRequest<UpdateBody>, context) => {
      const { services, jobs } = context;
      const id = known(request, context);
      const { version, review_digest, grants, confirm_id, use_old_catalogue, client_id } = request.body;
      // On the page new rights are given to what was shown, or not at all.
      if (grants !== undefined && review_digest === undefined && request.caller.door === "page")
        throw new HnError("bad_request", { message: "Rights can be given only with the digest of the review that showed them." });
      const job = jobs.start({ kind: "update", subject: id, clientId: client_id }, (report, signal) =>
        services.marketplace.update({
          id,
          ...(version === undefined ? {} : { version }),
          ...(review_digest === undefined ? {} : { reviewDigest: review_digest }),
          // No answer: the rights of the version before, and no more.
          grants: grants ?? "keep",
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
    path: `${BASE}/rollback`,
    role: "owner",
    stepUp: true,
    audit: "plugin.rollback",
    body: shape({ "version?": TEXT(64), client_id: TEXT(64) }),
    handle: (request: ApiRequest<{ version?: string; client_id: string }>, context) => {
      const { services, jobs } = context;
      const id = known(request, context);
      const { version, client_id } = request.body;
      const job = jobs.start({ kind: "update", subject: id, clientId: client_id }, (report) => {
        report({ step: "start", percent: 0 });
        return services.marketplace.rollback({ id, ...(version === undefined ? {} : { version }) });
      });
      return new ApiReply({ job_id: job.id }, { status: 202 });
    },
  },
];
