import type { ApiRequest, ApiRoute } from "../context.ts";

/** Who is signed in, and ending that. @source admin-ui §4 "Session" */
export const accessRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/access/sessions",
    role: "owner",
    handle: (request: ApiRequest, { sessions }) => ({ items: sessions.list(request.caller.sessionId) }),
  },
  {
    method: "DELETE",
    path: "/access/sessions",
    role: "owner",
    stepUp: true,
    audit: "session.end-others",
    handle: (request: ApiRequest, { sessions }) => ({ ended: sessions.endOthers(request.caller.sessionId) }),
  },
  {
    method: "DELETE",
    path: "/access/sessions/:id",
    role: "owner",
    stepUp: true,
    audit: "session.end",
    handle: (request: ApiRequest, { sessions }) => {
      sessions.endOne(request.params["id"] ?? "");
      return {};
    },
  },
];
