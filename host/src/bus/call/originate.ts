import { HnError } from "../../foundation/index.ts";
import {
  CONSTANTS,
  type CommunityId,
  type Frame,
  type JsonObject,
  type OriginateRequest,
  type PeerLink,
  type Reply,
  type NodeId,
  type Random,
} from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";
import type { Router } from "../route/router.ts";
import { checkAllowed } from "../trust/allow.ts";
import { Following } from "./client-frames.ts";
import { Failover, pause } from "./failover.ts";
import { runStream } from "./local-stream.ts";
import { runUnary } from "./local-unary.ts";
import { callRemote, streamRemote, type RemoteRequest } from "./remote.ts";
import { checkBody, type LocalRequest } from "./request.ts";
import { cancelled, type Engine } from "./run.ts";

/** What calls from this node need beside the engine. */
export interface Origin {
  engine: Engine;
  router: Router;
  communityId: () => CommunityId | null;
  link: () => PeerLink | undefined;
  newId: (monotonicMs: number) => string;
  random: Random;
}

interface Plan {
  origin: Origin;
  request: OriginateRequest;
  traceId: string;
  hops: number;
  startedAt: number;
  /** For all attempts together; of the first provider when the caller names none. @source 03 §9 */
  patienceMs: number | undefined;
  /** Set by the first failure. */
  failover: Failover | undefined;
  /** What follows the call; read at most once. */
  following: Following | undefined;
}

/**
 * A call by somebody on this node: the best provider, then up to two others while the deadline lasts.
 * @throws HnError of 02 §5
 * @source 03 §5, B-8, §9
 */
export async function originate(origin: Origin, request: OriginateRequest): Promise<Reply & { provider: NodeId }> {
  const plan = makePlan(origin, request);
  for (;;) {
    const provider = pick(plan);
    try {
      const reply = await attempt(plan, provider);
      return { output: reply.output, meta: reply.meta, provider: provider.node_id };
    } catch (cause) {
      const error = HnError.from(cause);
      if (!(await goOn(plan, provider, error))) throw error;
    }
  }
}

/** As {@link originate}, frame by frame; nobody else is tried once the first frame is out. */
export async function* originateStream(origin: Origin, request: OriginateRequest): AsyncGenerator<Frame, JsonObject, void> {
  const plan = makePlan(origin, request);
  for (;;) {
    const provider = pick(plan);
    let begun = false;
    try {
      const frames = attemptStream(plan, provider);
      try {
        for (;;) {
          const step = await frames.next();
          begun = true;
          if (step.done === true) return step.value;
          yield step.value;
        }
      } finally {
        await frames.return({});
      }
    } catch (cause) {
      const error = HnError.from(cause);
      if (begun || !(await goOn(plan, provider, error))) throw error;
    }
  }
}

function makePlan(origin: Origin, request: OriginateRequest): Plan {
  const hops = request.hops === undefined ? 0 : request.hops + 1;
  if (hops > CONSTANTS.HOPS_MAX) throw new HnError("bad_request", { reason: "hops_exceeded" });
  checkBody(request.body);
  const startedAt = origin.engine.clock.monotonic();
  const traceId = request.traceId ?? origin.newId(startedAt);
  return {
    origin,
    request,
    traceId,
    hops,
    startedAt,
    patienceMs: request.timeoutMs,
    failover: undefined,
    following: followingOf(request),
  };
}

function followingOf({ frames }: OriginateRequest): Following | undefined {
  return frames === undefined ? undefined : new Following(frames);
}

function pick(plan: Plan): Provider {
  const { origin, request, failover } = plan;
  const need = {
    capability: request.capability,
    version: request.version,
    params: request.body.params,
    node: request.node,
    localOnly: false,
    tried: failover?.tried,
    communityId: origin.communityId(),
    now: failover === undefined ? plan.startedAt : origin.engine.clock.monotonic(),
  };
  try {
    return origin.router.route(need, request.caller, request.body);
  } catch (error) {
    throw failover?.first ?? error;
  }
}

/** @returns whether another attempt may follow, after the wait that it asks for @throws timeout when the caller leaves meanwhile */
async function goOn(plan: Plan, provider: Provider, error: HnError): Promise<boolean> {
  const { request, origin } = plan;
  const { clock } = origin.engine;
  plan.failover ??= new Failover();
  // What was taken is gone: another node would get the rest of it only.
  if (plan.following?.taken === true) return false;
  plan.patienceMs = Math.min(plan.patienceMs ?? Infinity, request.timeoutMs ?? provider.timeoutMs);
  if (!plan.failover.failed(provider, error) || request.signal?.aborted === true) return false;
  const leftMs = plan.patienceMs - (clock.monotonic() - plan.startedAt);
  if (leftMs <= 0) return false;
  // Throws when nobody else is there: then there is nothing to wait for.
  pick(plan);
  const ms = plan.failover.waitMs({ provider, error, leftMs, random: origin.random });
  if (ms > 0) await pause(clock, { ms, signal: request.signal });
  return true;
}

function attempt(plan: Plan, provider: Provider): Promise<Reply> {
  const { engine } = plan.origin;
  if (provider.is_local) return runUnary(engine, provider, localRequest(plan, false));
  return callRemote(engine, linkOf(plan, provider), { provider, request: remoteRequest(plan) });
}

function attemptStream(plan: Plan, provider: Provider): AsyncGenerator<Frame, JsonObject, void> {
  const { engine } = plan.origin;
  if (provider.is_local) return runStream(engine, provider, localRequest(plan, true));
  return streamRemote(engine, linkOf(plan, provider), { provider, request: remoteRequest(plan) });
}

/** What is left of the patience, counted from now. */
function patience(plan: Plan): number | undefined {
  const { patienceMs } = plan;
  return patienceMs === undefined ? undefined : Math.max(0, patienceMs - (plan.origin.engine.clock.monotonic() - plan.startedAt));
}

function localRequest(plan: Plan, stream: boolean): LocalRequest {
  const { request, origin } = plan;
  const first = plan.failover === undefined;
  const startedAt = first ? plan.startedAt : origin.engine.clock.monotonic();
  return {
    capability: request.capability,
    body: request.body,
    caller: request.caller,
    traceId: plan.traceId,
    parent: request.parent,
    // Two calls of one trace are two requests. @source 03 B-14
    requestId: first && request.traceId === undefined ? plan.traceId : origin.newId(startedAt),
    hops: plan.hops,
    stream,
    startedAt,
    timeoutMs: first ? request.timeoutMs : patience(plan),
    signal: request.signal,
    frames: plan.following,
    token: undefined,
    // It came from nobody else.
    proof: undefined,
  };
}

function remoteRequest(plan: Plan): RemoteRequest {
  const { request, origin } = plan;
  return {
    version: request.version,
    body: request.body,
    caller: request.caller,
    traceId: plan.traceId,
    parent: request.parent,
    startedAt: origin.engine.clock.monotonic(),
    timeoutMs: patience(plan),
    signal: request.signal,
    token: request.token,
    frames: plan.following,
    framesOptional: request.framesOptional === true,
  };
}

/** The way out. Somebody else's call that travels on as ours must at least be allowed what the neighbour asks of its callers. @source 03 B-7 */
function linkOf(plan: Plan, provider: Provider): PeerLink {
  const { request, origin } = plan;
  if (request.signal?.aborted === true) throw cancelled();
  const { kind } = request.caller;
  if (kind !== "self" && kind !== "plugin") checkAllowed(request.caller, provider.descriptor.trust_required);
  const link = origin.link();
  if (!link)
    throw new HnError("partition", {
      reason: "provider_unreachable",
      message: "This node has no way to other nodes at the moment. Try again.",
    });
  return link;
}
