import type { FastifyReply, FastifyRequest } from "fastify";
import { HnError } from "../../foundation/index.ts";
import { CONSTANTS, type JsonObject, type RangeMessage, type SyncRequest } from "../../contract/index.ts";
import { headersOf, type Passage } from "../inbound/passage.ts";
import type { Room } from "./room.ts";
import { send, signedRoute } from "./signed-route.ts";

/** A frame and what stands around its ranges. @source network.md §5 "Range message" */
const RANGES_MAX_BYTES = 65_536;

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** Members, and who is invited and not yet in: nobody could replay the log before joining otherwise. @source 02 T-6 */
function checkInsider(passage: Passage): void {
  const kind = passage.caller?.kind === "member" ? "member" : passage.standing?.kind;
  if (kind === "member" || (kind === "invitee" && passage.caller !== undefined)) return;
  throw new HnError("unauthorized", {
    message: "This is for members of the community and those it has invited. Ask a member for an invitation.",
  });
}

function get(room: Room, capability: string, body: (query: JsonObject) => object | Promise<object>): Handler {
  return signedRoute(room, {
    rule: { capability, query: "body" },
    maxBytes: () => 0,
    handle: async (passage, { reply, visit }) => {
      checkInsider(passage);
      const answer = (await body(passage.body ?? {})) as JsonObject;
      visit.signal.throwIfAborted();
      return send(reply, room.answerer.answer(200, answer, passage.claim));
    },
  });
}

/** `GET /community/manifest` */
export function communityManifestRoute(room: Room): Handler {
  return get(room, "sys.community.manifest", () => room.community.manifest());
}

/** `GET /sync/v1/heads`, with `brief=1` only what tells whether two logs are equal. @source 04 §8 */
export function syncHeadsRoute(room: Room): Handler {
  return get(room, "sys.sync.heads", ({ brief, floor }) => {
    const from = typeof floor === "string" && /^\d{1,15}$/.test(floor) ? Number(floor) : 0;
    const { set, ...facts } = room.community.brief(from);
    const sums = set === undefined ? {} : { set };
    return brief === "1" ? { ...facts, ...sums } : { ...room.community.heads(), ...sums };
  });
}

/** `POST /sync/v1/reconcile`; invitees pull what they need by heads alone. @source network.md §5, 02 T-6 */
export function syncReconcileRoute(room: Room): Handler {
  return signedRoute(room, {
    rule: { capability: "sys.sync.reconcile", query: "refused" },
    maxBytes: () => RANGES_MAX_BYTES,
    handle: async (passage, { reply, visit }) => {
      checkInsider(passage);
      const answer = await room.community.reconcile(passage.body as unknown as RangeMessage, headersOf(passage).from);
      visit.signal.throwIfAborted();
      return send(reply, room.answerer.answer(200, answer as unknown as JsonObject, passage.claim));
    },
  });
}

/** `POST /sync/v1/events` @source 04 §8 */
export function syncEventsRoute(room: Room): Handler {
  return signedRoute(room, {
    rule: { capability: "sys.sync.events", query: "refused" },
    maxBytes: () => CONSTANTS.SYNC_BODY_MAX_BYTES,
    handle: async (passage, { reply, visit }) => {
      checkInsider(passage);
      const request = passage.body as unknown as Partial<SyncRequest>;
      if (!Array.isArray(request.events) || typeof request.community_id !== "string") {
        throw new HnError("bad_request", { message: 'The body must hold "community_id" and a list of "events".' });
      }
      const result = await room.community.exchange(request as SyncRequest, headersOf(passage).from);
      // What it brought may be the news that it is revoked.
      visit.signal.throwIfAborted();
      return send(reply, room.answerer.answer(200, result as unknown as JsonObject, passage.claim));
    },
  });
}
