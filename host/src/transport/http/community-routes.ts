import type { FastifyReply, FastifyRequest } from "fastify";
import { HnError } from "../../foundation/index.ts";
import { headersOf, type Passage } from "../inbound/passage.ts";
import { COMMUNITY_QUESTIONS } from "./community-answers.ts";
import type { Room } from "./room.ts";
import { send, signedRoute } from "./signed-route.ts";

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** Members, and who is invited and not yet in: nobody could replay the log before joining otherwise. @source 02 T-6 */
function checkInsider(passage: Passage): void {
  const kind = passage.caller?.kind === "member" ? "member" : passage.standing?.kind;
  if (kind === "member" || (kind === "invitee" && passage.caller !== undefined)) return;
  throw new HnError("unauthorized", {
    message: "This is for members of the community and those it has invited. Ask a member for an invitation.",
  });
}

function route(room: Room, capability: string, query: "body" | "refused"): Handler {
  const question = COMMUNITY_QUESTIONS.get(capability);
  if (question === undefined) throw new RangeError(`nobody answers ${capability}`);
  return signedRoute(room, {
    rule: { capability, query },
    maxBytes: () => (query === "body" ? 0 : question.maxBytes),
    handle: async (passage, { reply, visit }) => {
      checkInsider(passage);
      const answer = await question.answer(room, passage.body ?? {}, headersOf(passage).from);
      // What it brought may be the news that it is revoked.
      visit.signal.throwIfAborted();
      return send(reply, room.answerer.answer(200, answer, passage.claim));
    },
  });
}

/** `GET /community/manifest` */
export function communityManifestRoute(room: Room): Handler {
  return route(room, "sys.community.manifest", "body");
}

/** `GET /sync/v1/heads`, with `brief=1` only what tells whether two logs are equal. @source 04 §8 */
export function syncHeadsRoute(room: Room): Handler {
  return route(room, "sys.sync.heads", "body");
}

/** `POST /sync/v1/reconcile`; invitees pull what they need by heads alone. @source network.md §5, 02 T-6 */
export function syncReconcileRoute(room: Room): Handler {
  return route(room, "sys.sync.reconcile", "refused");
}

/** `POST /sync/v1/events` @source 04 §8 */
export function syncEventsRoute(room: Room): Handler {
  return route(room, "sys.sync.events", "refused");
}
