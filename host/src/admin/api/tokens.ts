import type { TokenIssueBody, TokenRevokedFor } from "../../contract/index.ts";
import { TOKEN_ISSUED_VIA, TOKEN_MAX_TTL_SECONDS, TOKEN_REVOKED_FOR } from "../../contract/index.ts";
import type { ApiRequest, ApiRoute } from "../context.ts";
import { shape, TEXT } from "./shapes.ts";

const ULID = { type: "string", pattern: "^[0-9A-Z]{26}$" };
const COUNT = { type: "integer", minimum: 1, maximum: 1_000_000 };
const SCOPE = shape({
  capabilities: { type: "array", minItems: 1, maxItems: 32, items: TEXT(96) },
  "params_constraints?": {
    type: "object",
    maxProperties: 16,
    additionalProperties: { type: "array", maxItems: 64, items: { type: "string", maxLength: 256 } },
  },
  "rate_limit_per_minute?": COUNT,
  "max_calls_total?": { ...COUNT, type: ["integer", "null"] },
});

/** What this node has let others do. @source admin-ui §3, 05 */
export const tokenRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/tokens",
    role: "operator",
    handle: (_request: ApiRequest, { services }) => ({ items: services.tokens.list() }),
  },
  {
    method: "POST",
    path: "/tokens",
    role: "owner",
    stepUp: true,
    body: shape({
      client_id: ULID,
      subject: TEXT(51),
      scope: SCOPE,
      "ttl_seconds?": { type: "integer", minimum: 1, maximum: TOKEN_MAX_TTL_SECONDS },
      "aud_node?": TEXT(51),
      "issued_via?": { enum: TOKEN_ISSUED_VIA },
    }),
    audit: "token.issue",
    auditTarget: ({ subject, scope }: TokenIssueBody) => `${subject} ${scope.capabilities.join(" ")}`,
    handle: (request: ApiRequest<TokenIssueBody>, { services }) => services.tokens.issue(request.body, services.operator()),
  },
  {
    method: "DELETE",
    path: "/tokens/:id",
    role: "owner",
    audit: "token.revoke",
    handle: (request: ApiRequest, { services }) => {
      const reason = TOKEN_REVOKED_FOR.find((one): one is TokenRevokedFor => one === request.query["reason"]);
      const input = { client_id: services.newUlid(), token_id: request.params["id"] ?? "" };
      return services.tokens.revoke(reason === undefined ? input : { ...input, reason }, services.operator());
    },
  },
  {
    method: "POST",
    path: "/tokens/inspect",
    role: "operator",
    body: shape({ token: TEXT(4096) }),
    handle: (request: ApiRequest<{ token: string }>, { services }) => services.tokens.inspect(request.body.token.trim()),
  },
];
