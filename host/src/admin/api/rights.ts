import { ROLES, type Question, type RoleName, type TrialState } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { ApiRequest, ApiRoute } from "../context.ts";
import { known } from "./plugins.ts";
import { EMPTY, shape, TEXT } from "./shapes.ts";

const TRIAL = "/plugins/:ns/:name/trial";
const CONFIRM = { type: "string", maxLength: 80 };

/** What is decided about rights while plugins run: questions, trial runs, roles. @source plugin-platform §3.3, §3.4 */
export const rightsRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/questions",
    role: "viewer",
    handle: (_request: ApiRequest, { services }) => ({ items: services.runtime.rights.questions() }),
  },
  {
    method: "POST",
    path: "/questions/:id/answer",
    role: "operator",
    audit: "question.answer",
    body: shape({ answer: { enum: ["once", "deny"] } }),
    handle: (request: ApiRequest<{ answer: "once" | "deny" }>, { services }): Promise<Question> =>
      services.runtime.rights.answer(request.params["id"] ?? "", request.body.answer),
  },
  {
    method: "POST",
    path: "/questions/:id/allow",
    role: "owner",
    stepUp: true,
    audit: "question.allow",
    body: EMPTY,
    handle: (request: ApiRequest, { services }): Promise<Question> =>
      services.runtime.rights.answer(request.params["id"] ?? "", "allow"),
  },
  {
    method: "GET",
    path: TRIAL,
    role: "viewer",
    handle: (request: ApiRequest, context) => ({ trial: context.services.runtime.rights.trial(known(request, context)) }),
  },
  {
    method: "POST",
    path: TRIAL,
    role: "owner",
    stepUp: true,
    audit: "plugin.trial.start",
    body: shape({ hours: { type: "number", exclusiveMinimum: 0, maximum: 24 } }),
    handle: (request: ApiRequest<{ hours: number }>, context): Promise<TrialState> =>
      context.services.runtime.rights.startTrial(known(request, context), request.body.hours),
  },
  {
    method: "DELETE",
    path: TRIAL,
    role: "owner",
    stepUp: true,
    audit: "plugin.trial.end",
    handle: async (request: ApiRequest, context) => {
      await context.services.runtime.rights.endTrial(known(request, context));
      return {};
    },
  },
  {
    method: "POST",
    path: `${TRIAL}/accept`,
    role: "owner",
    stepUp: true,
    audit: "plugin.trial.accept",
    body: shape({ digest: TEXT(64), "confirm_id?": CONFIRM }),
    handle: async (request: ApiRequest<{ digest: string; confirm_id?: string }>, context) => {
      const { digest, confirm_id: confirmId } = request.body;
      const id = known(request, context);
      return {
        items: await context.services.marketplace.acceptTrial({ id, digest, ...(confirmId === undefined ? {} : { confirmId }) }),
      };
    },
  },
  {
    method: "GET",
    path: "/roles",
    role: "viewer",
    handle: (_request: ApiRequest, { services }) => ({ items: services.runtime.rights.roles() }),
  },
  {
    method: "PUT",
    path: "/roles/:role",
    role: "owner",
    stepUp: true,
    audit: "role.assign",
    body: shape({ plugin: { oneOf: [TEXT(80), { type: "null" }] }, "instead?": TEXT(80) }),
    handle: (request: ApiRequest<{ plugin: string | null; instead?: string }>, { services }) => {
      const { plugin, instead } = request.body;
      return services.runtime.rights.assignRole(roleOf(request), plugin, instead === undefined ? {} : { instead });
    },
  },
];

/** @throws not_found */
function roleOf({ params }: Pick<ApiRequest, "params">): RoleName {
  const role = ROLES.find((name) => name === params["role"]);
  if (role === undefined)
    throw new HnError("not_found", { message: "There is no such role.", action: `Roles are ${ROLES.join(", ")}.` });
  return role;
}
