import { formatTime, HnError } from "../../foundation/index.ts";
import {
  CONSTANTS,
  type CommunityId,
  type Frame,
  type InboundRequest,
  type JsonObject,
  type NodeId,
  type Reply,
  type VerifiedToken,
  type WireError,
} from "../../contract/index.ts";
import { COMMUNITY_QUESTIONS, type CommunityQuestion } from "../http/community-answers.ts";
import { refuseWhenClosing, type Room } from "../http/room.ts";
import { newPassage } from "../inbound/passage.ts";
import { admitSessionCall } from "../inbound/pipeline.ts";
import type { Work } from "../inbound/token-watch.ts";
import { MUST_SIGN } from "../must-sign.ts";
import { tellOnSession } from "../pubsub/by-session.ts";
import { SUBSCRIBE } from "../pubsub/poll-route.ts";
import { BODY_MAX_BYTES } from "./record.ts";
import type { CallFacts } from "./served-call.ts";
import type { Admitted, CallHost } from "./served-calls.ts";

const RULE = { capability: undefined, query: "refused" } as const;

/** The node's own doors, for one peer: the same steps, buckets and bus that HTTP has. @source network.md §1.7 */
export class SessionHost implements CallHost {
  readonly #room: () => Room | undefined;
  readonly #peer: { node: NodeId; community: CommunityId; address: string };

  /** @param room  undefined while this node serves nobody */
  constructor(room: () => Room | undefined, peer: { node: NodeId; community: CommunityId; address: string }) {
    this.#room = room;
    this.#peer = peer;
  }

  isWith(capability: string): boolean {
    // What a log is made of is believed under a signature alone, on this lane as on the other. @source 02 T-4
    if (COMMUNITY_QUESTIONS.has(capability)) return true;
    if (MUST_SIGN.test(capability)) return true;
    return this.#room()?.bus.limitsOf(capability)?.idempotent === false;
  }

  streams(capability: string): boolean {
    if (capability === SUBSCRIBE) return true;
    return this.#room()?.bus.limitsOf(capability)?.streams === true;
  }

  takesBytes(capability: string, pointer: string): boolean {
    return this.#room()?.bus.limitsOf(capability)?.binary.includes(pointer) === true;
  }

  maxBodyBytes(capability: string): number {
    const question = COMMUNITY_QUESTIONS.get(capability);
    if (question !== undefined) return Math.max(question.maxBytes, BODY_MAX_BYTES);
    const limit = this.#room()?.bus.limitsOf(capability)?.maxBodyBytes ?? CONSTANTS.CALL_BODY_MAX_BYTES;
    return Math.min(limit, CONSTANTS.CALL_BODY_CEILING_BYTES);
  }

  admit(facts: CallFacts & { once: boolean; body: JsonObject }): Admitted {
    const { gate } = this.#open();
    const { node, community, address } = this.#peer;
    const passage = newPassage({ rule: RULE, address, rawHeaders: [], queryText: "", isGet: false });
    passage.claim = { from: node, requestId: facts.requestId };
    passage.headers = {
      capability: facts.capability,
      version: facts.version,
      request_id: facts.requestId,
      from: node,
      community,
      timestamp: formatTime(gate.clock.now()),
      signature: "",
      to: gate.nodeId,
      token: facts.token,
      timeoutMs: facts.timeoutMs,
      traceId: facts.traceId,
      parentSpanId: undefined,
    };
    passage.body = facts.body;
    admitSessionCall(passage, gate, facts);
    const { caller, token } = passage;
    if (caller === undefined) throw new HnError("internal_error");
    // A token opens capabilities, never the log. @source 02 T-6
    if (COMMUNITY_QUESTIONS.has(facts.capability) && caller.kind !== "member") throw new HnError("unauthorized");
    return { caller, ...(token === undefined ? {} : { token }) };
  }

  settle(): void {
    this.#open().gate.replays.write();
  }

  follow(token: VerifiedToken, work: Work): () => void {
    return this.#open().tokenWatch?.follow(work, token) ?? ((): void => undefined);
  }

  serve(request: InboundRequest): Promise<Reply> {
    const room = this.#open();
    const question = COMMUNITY_QUESTIONS.get(request.capability);
    return question === undefined ? room.bus.serve(request) : this.#answer(room, question, request);
  }

  serveStream(request: InboundRequest): AsyncGenerator<Frame, JsonObject, void> {
    const room = this.#open();
    return request.capability === SUBSCRIBE ? tellOnSession(room, request) : room.bus.serveStream(request);
  }

  checkOpen(): void {
    refuseWhenClosing(this.#open());
  }

  wireError(thrown: unknown, requestId: string): WireError {
    const room = this.#room();
    return room === undefined
      ? HnError.from(thrown).toWire()
      : room.answerer.wireError(thrown, { from: this.#peer.node, requestId });
  }

  async #answer(room: Room, question: CommunityQuestion, { body, signal }: InboundRequest): Promise<Reply> {
    const output = await question.answer(room, body as unknown as JsonObject, this.#peer.node);
    // What it brought may be the news that it is revoked.
    signal.throwIfAborted();
    return { output, meta: {} };
  }

  #open(): Room {
    const room = this.#room();
    if (room === undefined) throw new HnError("partition", { reason: "closing", retryAfterMs: 5000 });
    return room;
  }
}
