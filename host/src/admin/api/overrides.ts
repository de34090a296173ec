import type { OverridesBody, PluginStatus } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { ApiRequest, ApiRoute } from "../context.ts";
import { known } from "./plugins.ts";
import { shape } from "./shapes.ts";

/** What an operator decides against the usual, for one plugin. @source plugin-platform §1.2.4, §1.4 */
export const overrideRoutes: readonly ApiRoute[] = [
  {
    method: "PUT",
    path: "/plugins/:ns/:name/overrides",
    role: "owner",
    stepUp: true,
    audit: "plugin.override",
    body: shape({
      "own_process?": { type: "boolean" },
      "unconfined?": { type: "boolean" },
      "confirm_id?": { type: "string", maxLength: 80 },
    }),
    handle: (request: ApiRequest<OverridesBody>, context): Promise<PluginStatus> => {
      const id = known(request, context);
      const { own_process, unconfined, confirm_id } = request.body;
      if (unconfined === true && confirm_id !== id)
        throw new HnError("unauthorized", {
          reason: "consent_required",
          message: `${id} would run without confinement: it could do whatever the user of this node can. That is allowed only when you type its id.`,
          action: `Type ${id} to confirm; in the terminal --confirm ${id}.`,
        });
      return context.services.runtime.setOverrides(id, {
        ...(own_process === undefined ? {} : { ownProcess: own_process }),
        ...(unconfined === undefined ? {} : { unconfined }),
      });
    },
  },
];
