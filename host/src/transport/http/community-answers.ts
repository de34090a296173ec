import { HnError } from "../../foundation/index.ts";
import { CONSTANTS, type JsonObject, type NodeId, type RangeMessage, type SyncRequest } from "../../contract/index.ts";
import type { Room } from "./room.ts";

/** A frame and what stands around its ranges. @source network.md §5 "Range message" */
const RANGES_MAX_BYTES = 65_536;

/** What a member may ask of the community's log, whichever way the question comes. */
export interface CommunityQuestion {
  /** Largest body, in bytes. */
  maxBytes: number;
  /** @throws HnError of 02 §5 */
  answer(room: Room, body: JsonObject, from: NodeId): JsonObject | Promise<JsonObject>;
}

/** By the names under which they are signed and sealed. @source 02 §6, 04 §8 */
export const COMMUNITY_QUESTIONS: ReadonlyMap<string, CommunityQuestion> = new Map<string, CommunityQuestion>([
  ["sys.community.manifest", { maxBytes: 0, answer: async (room) => (await room.community.manifest()) as object as JsonObject }],
  ["sys.sync.heads", { maxBytes: 1024, answer: heads }],
  ["sys.sync.reconcile", { maxBytes: RANGES_MAX_BYTES, answer: reconcile }],
  ["sys.sync.events", { maxBytes: CONSTANTS.SYNC_BODY_MAX_BYTES, answer: events }],
]);

/** With `brief` only what tells whether two logs are equal. */
function heads({ community }: Room, { brief, floor }: JsonObject): JsonObject {
  const from = typeof floor === "string" && /^\d{1,15}$/.test(floor) ? Number(floor) : 0;
  const { set, ...facts } = community.brief(from);
  const sums = set === undefined ? {} : { set };
  return (brief === "1" ? { ...facts, ...sums } : { ...community.heads(), ...sums }) as object as JsonObject;
}

async function reconcile({ community }: Room, body: JsonObject, from: NodeId): Promise<JsonObject> {
  return (await community.reconcile(body as unknown as RangeMessage, from)) as unknown as JsonObject;
}

async function events({ community }: Room, body: JsonObject, from: NodeId): Promise<JsonObject> {
  const request = body as unknown as Partial<SyncRequest>;
  if (!Array.isArray(request.events) || typeof request.community_id !== "string") {
    throw new HnError("bad_request", { message: 'The body must hold "community_id" and a list of "events".' });
  }
  return (await community.exchange(request as SyncRequest, from)) as unknown as JsonObject;
}
