import { HnError } from "../../foundation/index.ts";
import type {
  CommunityManifest,
  JsonObject,
  PeerAddress,
  RangeMessage,
  SyncBrief,
  SyncHeads,
  SyncReply,
  SyncRequest,
} from "../../contract/index.ts";
import { SYNC } from "../session/handshake.ts";
import type { PeerSessions } from "../session/sessions.ts";
import { exchange, withClockRetry, type Letter, type Wire } from "./exchange.ts";
import { Patience } from "./patience.ts";

const TIMEOUT_MS = 30_000;
const ATTEMPTS = 3;
const WAIT_MAX_MS = 5000;

type Question = Pick<Letter, "method" | "path" | "capability" | "body">;

/** Requests between members' logs; every answer must be signed. A neighbour that asks for patience gets it. @source 02 T-4, T-11 */
export class SyncLink {
  readonly #wire: Wire;
  readonly #sessions: Pick<PeerSessions, "live">;

  constructor(wire: Wire, sessions: Pick<PeerSessions, "live">) {
    this.#wire = wire;
    this.#sessions = sessions;
  }

  async communityManifest(peer: PeerAddress): Promise<CommunityManifest> {
    return (await this.#ask(peer, {
      method: "GET",
      path: "/community/manifest",
      capability: "sys.community.manifest",
      body: {},
    })) as unknown as CommunityManifest;
  }

  async syncHeads(peer: PeerAddress): Promise<SyncHeads> {
    const body = await this.#ask(peer, { method: "GET", path: "/sync/v1/heads", capability: "sys.sync.heads", body: {} });
    const heads = body["heads_by_author"];
    if (typeof body["head"] !== "number" || typeof heads !== "object" || heads === null || Array.isArray(heads)) throw odd();
    return body as unknown as SyncHeads;
  }

  /** Of a node without `sync-ranges` the heads alone. @source 04 §8 */
  async syncBrief(peer: PeerAddress, floor: number): Promise<SyncBrief> {
    const query = { brief: "1", floor: String(floor) };
    const path = `/sync/v1/heads?${new URLSearchParams(query).toString()}`;
    const body = await this.#ask(peer, { method: "GET", path, capability: "sys.sync.heads", body: query });
    return readBrief(body);
  }

  /** What the answer says of ranges is read by whoever asked. */
  async syncReconcile(peer: PeerAddress, message: RangeMessage): Promise<RangeMessage> {
    return (await this.#ask(peer, {
      method: "POST",
      path: "/sync/v1/reconcile",
      capability: "sys.sync.reconcile",
      body: message as unknown as JsonObject,
    })) as unknown as RangeMessage;
  }

  async syncEvents(peer: PeerAddress, request: SyncRequest): Promise<SyncReply> {
    const body = await this.#ask(peer, {
      method: "POST",
      path: "/sync/v1/events",
      capability: "sys.sync.events",
      body: request as unknown as JsonObject,
    });
    return readSyncReply(body);
  }

  async #ask(peer: PeerAddress, letter: Question): Promise<JsonObject> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(peer, letter);
      } catch (error) {
        if (
          !HnError.isHnError(error) ||
          error.retryAfterMs === undefined ||
          attempt >= ATTEMPTS ||
          error.retryAfterMs > WAIT_MAX_MS
        )
          throw error;
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wire.clock.setTimeout(resolve, error.retryAfterMs);
        await promise;
      }
    }
  }

  /** By the session that stands, where there is one; nothing is dialled for it. */
  async #once(peer: PeerAddress, letter: Question): Promise<JsonObject> {
    const session = this.#sessions.live(peer.node_id);
    const stands =
      session !== undefined &&
      session.isLive &&
      !session.isSuspect &&
      session.established.features.includes(SYNC) &&
      session.established.peerCommunity === peer.community_id;
    if (!stands) return this.#byHttp(peer, letter);
    const { capability, body } = letter;
    const requestId = this.#wire.newId();
    const call = { capability, version: "1.0", body, requestId, traceId: requestId, timeoutMs: TIMEOUT_MS, sealed: true };
    try {
      return (await session.call(call)).output;
    } catch (error) {
      // Asking twice changes nothing, so a session that ends may be left for the other lane.
      if (!HnError.isHnError(error) || error.code !== "partition" || error.reason !== "session_over") throw error;
      return this.#byHttp(peer, letter);
    }
  }

  async #byHttp(peer: PeerAddress, letter: Question): Promise<JsonObject> {
    const time = new Patience(this.#wire.clock, { timeoutMs: TIMEOUT_MS });
    try {
      const whole: Letter = {
        ...letter,
        to: peer.node_id,
        endpoints: peer.endpoints,
        version: "1.0",
        community: peer.community_id,
        accept: "application/json",
        time,
      };
      return await withClockRetry(this.#wire, peer.node_id, () => exchange(this.#wire, whole));
    } finally {
      time.stop();
    }
  }
}

function readBrief({ community_id, head, set }: JsonObject): SyncBrief {
  if (typeof community_id !== "string" || typeof head !== "number") throw odd();
  if (set === undefined) return { community_id, head };
  if (typeof set !== "object" || set === null || Array.isArray(set)) throw odd();
  const { count, sum, frontier, floor = 0 } = set;
  if (typeof sum !== "string" || typeof frontier !== "string" || !isNumber(count) || !isNumber(floor)) throw odd();
  return { community_id, head, set: { count, sum, frontier, floor } };
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Peers of the first generation leave out what is empty and name the head otherwise. @source 04 E-14 */
function readSyncReply(body: JsonObject): SyncReply {
  const { accepted = 0, rejected = 0, rejected_reasons = [], events = [], more = false } = body;
  const newHead = body["new_head"] ?? body["new_head_lamport"] ?? 0;
  const isSound =
    [accepted, rejected, newHead].every((n) => typeof n === "number") &&
    Array.isArray(rejected_reasons) &&
    rejected_reasons.every((row) => typeof row === "object" && row !== null && !Array.isArray(row)) &&
    Array.isArray(events) &&
    typeof more === "boolean";
  if (!isSound) throw odd();
  return { ...body, accepted, rejected, rejected_reasons, new_head: newHead, events, more } as unknown as SyncReply;
}

function odd(): HnError {
  return new HnError("bad_request", {
    message: "The neighbour's answer has an unknown form. Its software may be older or newer than this one.",
  });
}
