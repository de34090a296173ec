import { HnError } from "../../foundation/index.ts";
import {
  CONSTANTS,
  type CommunityId,
  type Frame,
  type InboundRequest,
  type JsonObject,
  type Reply,
} from "../../contract/index.ts";
import { isLocalOnly } from "../registry/name.ts";
import type { Provider } from "../registry/provider.ts";
import type { Router } from "../route/router.ts";
import { isOutsider } from "../trust/allow.ts";
import { runStream } from "./local-stream.ts";
import { runUnary } from "./local-unary.ts";
import { checkBody, type LocalRequest } from "./request.ts";
import type { Engine } from "./run.ts";

const RETRY_WHEN_BUSY_MS = 1000;

/**
 * Calls that arrive from the network. They reach local entries only and are counted together.
 * @source 03 B-7, B-12
 */
export class Inbound {
  readonly #engine: Engine;
  readonly #router: Router;
  readonly #communityId: () => CommunityId | null;
  #running = 0;

  constructor(o: { engine: Engine; router: Router; communityId: () => CommunityId | null }) {
    this.#engine = o.engine;
    this.#router = o.router;
    this.#communityId = o.communityId;
  }

  /** @throws HnError of 02 §5 */
  async serve(request: InboundRequest): Promise<Reply> {
    const provider = this.#resolve(request);
    this.#enter();
    try {
      return await runUnary(this.#engine, provider, this.#local(request));
    } finally {
      this.#running -= 1;
    }
  }

  /** @throws HnError of 02 §5 */
  async *serveStream(request: InboundRequest): AsyncGenerator<Frame, JsonObject, void> {
    const provider = this.#resolve(request);
    this.#enter();
    try {
      return yield* runStream(this.#engine, provider, this.#local(request));
    } finally {
      this.#running -= 1;
    }
  }

  #enter(): void {
    if (this.#running >= CONSTANTS.INBOUND_CALLS_MAX) {
      throw new HnError("capacity_exceeded", {
        reason: "slots_full",
        retryAfterMs: RETRY_WHEN_BUSY_MS,
        message: "This node serves as many calls as it can. Wait for the stated time, or use another node.",
      });
    }
    this.#running += 1;
  }

  #resolve(request: InboundRequest): Provider {
    try {
      checkBody(request.body);
      if (isLocalOnly(request.capability)) {
        throw new HnError("not_found", { message: `${request.capability} cannot be called from other nodes.` });
      }
      const need = {
        capability: request.capability,
        version: request.version,
        params: request.body.params,
        node: undefined,
        localOnly: true,
        tried: undefined,
        communityId: this.#communityId(),
        now: this.#engine.clock.monotonic(),
      };
      return this.#router.route(need, request.caller, request.body);
    } catch (error) {
      // Strangers do not learn what is offered here and what is not. @source 03 §8
      if (isOutsider(request.caller) && request.token === undefined && !this.#router.isForAnybody(request.capability))
        throw new HnError("unauthorized");
      throw error;
    }
  }

  #local(request: InboundRequest): LocalRequest {
    return {
      capability: request.capability,
      body: request.body,
      caller: request.token === undefined ? request.caller : { ...request.caller, acts_for: request.token.acts_for },
      traceId: request.traceId,
      parent: request.parentSpanId,
      requestId: request.requestId,
      hops: 0,
      stream: request.stream,
      startedAt: this.#engine.clock.monotonic(),
      timeoutMs: request.timeoutMs,
      signal: request.signal,
      frames: request.frames,
      token: request.token,
      proof: request.proof,
    };
  }
}
