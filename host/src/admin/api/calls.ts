import { ERRORS, LOCAL_ERRORS, type CallFilter, type CallTrace, type NodeId } from "../../contract/index.ts";
import { HnError, isRequestId } from "../../foundation/index.ts";
import { isNodeId, sameShortId, shortId } from "../../identity/index.ts";
import type { ApiRequest, ApiRoute } from "../context.ts";
import type { AdminServices } from "../services.ts";
import { limitOf } from "./node.ts";

const CAPABILITY = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/;
const CAPABILITY_MAX = 64;

/** Calls that have ended, newest first, without what was said. @source 03 §10, admin-ui §3 */
export const callRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/calls",
    role: "operator",
    handle: (request: ApiRequest, { services }) => ({
      items: services.bus.recentCalls(limitOf(request, 50), filterOf(request, services)),
    }),
  },
];

/** @throws bad_request naming the part that means nothing */
function filterOf({ query }: ApiRequest, services: AdminServices): CallFilter {
  const { capability, node, result, trace_id, after } = query;
  if (capability !== undefined && (capability.length > CAPABILITY_MAX || !CAPABILITY.test(capability)))
    throw wrong("capability", "a capability's name or its first words, as ocr or ocr.image");
  if (result !== undefined && !isResult(result)) throw wrong("result", "ok, cancelled, or a code of docs/reference/errors.md");
  if (trace_id !== undefined && !isRequestId(trace_id))
    throw wrong("trace_id", "the id of a trace, 8 to 64 letters, digits, - or _");
  if (after !== undefined && !/^\d{1,15}$/.test(after)) throw wrong("after", "the number of a call");
  return {
    ...(capability === undefined ? {} : { capability }),
    ...(node === undefined ? {} : { node: nodeOf(node, services) }),
    ...(result === undefined ? {} : { result }),
    ...(trace_id === undefined ? {} : { trace_id }),
    ...(after === undefined ? {} : { after: Number(after) }),
  };
}

function isResult(text: string): text is CallTrace["result"] {
  return text === "ok" || text === "cancelled" || Object.hasOwn(ERRORS, text) || Object.hasOwn(LOCAL_ERRORS, text);
}

/** A whole id, or the short one of a node that is known here. */
function nodeOf(text: string, services: AdminServices): NodeId {
  if (isNodeId(text)) return text;
  const others = [...services.peers.list(), ...services.community.members()].map(({ node_id }) => node_id);
  const found = [services.facts().node_id, ...others].find((id) => sameShortId(text, shortId(id)));
  if (found === undefined) throw wrong("node", "the id of a node, or the short id of one that is known here");
  return found;
}

function wrong(field: string, wanted: string): HnError {
  return new HnError("bad_request", { message: `The value of ${field} must be ${wanted}.`, paths: [`/${field}`] });
}
