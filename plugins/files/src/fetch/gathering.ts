/** Asks several sources at once for what is missing, until nothing is. @source 30 §5.2 */
import { frame, type Frame, type NodeId } from "@hearthnet/sdk-plugin";
import { refuse } from "../refusal.ts";
import type { Incoming } from "../store/index.ts";
import { pause, type Clock } from "./clock.ts";
import type { Reach } from "./outward.ts";
import { Plan, type Piece, type PlanRules } from "./plan.ts";
import { readPiece } from "./reading.ts";

export interface GatheringOptions {
  incoming: Incoming;
  /** Asked from the beginning. */
  known: readonly NodeId[];
  /** Others, when those cannot give everything; null when there are no more. */
  further: () => Promise<readonly NodeId[] | null>;
  rules: PlanRules;
  /** No faster than this, each request for itself. */
  kbps: number | undefined;
  ctx: Pick<Reach, "stream">;
  clock: Clock;
  signal: AbortSignal;
  /** It sent something else than it was asked for. */
  onLiar: (node: NodeId) => void;
  /** It has not got the file. */
  onLack: (node: NodeId) => void;
}

/** A long file is told of in so many steps. */
const STEPS = 200;

/**
 * Frames `progress`. Leaving it, at any moment, ends every request.
 * @returns those that something came from
 * @throws partition reason fetch_failed · what the store says when it cannot write · the signal's reason
 */
export async function* gather(o: GatheringOptions): AsyncGenerator<Frame, NodeId[], void> {
  const { incoming, clock } = o;
  const total = incoming.manifest.chunks.length;
  const plan = new Plan(firstOfEach(incoming), o.rules);
  for (const node of o.known) plan.add(node);
  const gave = new Set<NodeId>();
  const running = new Set<Promise<void>>();
  const own = new AbortController();
  const signal = AbortSignal.any([o.signal, own.signal]);
  const bell = new Bell();
  signal.addEventListener("abort", () => bell.ring(), { once: true });
  let fault: { error: unknown } | undefined;
  let said = Number.NEGATIVE_INFINITY;
  /** Time that the latest piece takes at the speed that is allowed. */
  let pacing: Promise<void> | undefined;
  let arrived = total - incoming.missing().length;
  try {
    for (;;) {
      signal.throwIfAborted();
      if (fault !== undefined) throw fault.error;
      if (plan.done) arrived = total;
      if (plan.done || arrived - said >= total / STEPS)
        yield frame("progress", { current: (said = arrived), total, stage: "fetch" });
      if (plan.done) {
        // Also a file of one piece takes its time: there may be many of them.
        await pacing;
        return [...gave];
      }
      while (plan.starving) {
        const more = await o.further();
        if (more === null) break;
        for (const node of more) plan.add(node);
      }
      const now = clock.now();
      for (let piece = plan.take(now); piece !== null; piece = plan.take(now)) start(piece);
      const { wakeAt } = plan;
      if (running.size === 0 && wakeAt === null) throw nobody(plan.sources);
      const forget = wakeAt !== null && wakeAt > now ? clock.after(wakeAt - now, () => bell.ring()) : undefined;
      await bell.rung();
      forget?.();
    }
  } finally {
    own.abort(new DOMException("The fetch has ended.", "AbortError"));
    await Promise.allSettled(running);
  }

  function start(piece: Piece): void {
    const run = ask(piece)
      .catch((error: unknown) => void (fault ??= { error }))
      .finally(() => {
        running.delete(run);
        bell.ring();
      });
    running.add(run);
  }

  async function ask(piece: Piece): Promise<void> {
    const { ending, waitMs = 0 } = await readPiece(piece, {
      plan,
      incoming,
      source: { ctx: o.ctx, clock, node: piece.source, signal },
      onChunk: async (bytes) => {
        gave.add(piece.source);
        arrived += 1;
        bell.ring();
        if (o.kbps !== undefined) await (pacing = pause(clock, (bytes * 8) / o.kbps, signal));
      },
    });
    plan.end(piece, ending, { now: clock.now(), waitMs });
    if (ending === "lied") o.onLiar(piece.source);
    if (ending === "lacks") o.onLack(piece.source);
  }
}

/** @param asked  how many nodes were there to ask */
export function nobody(asked: number): Error {
  return asked === 0
    ? refuse(
        "fetch_failed",
        "Nobody who can be reached has this file. Ask whoever shared it to switch their node on, then fetch it again.",
      )
    : refuse(
        "fetch_failed",
        "None of the nodes that have the file could give all of it. What came is kept: fetch it again later to go on.",
      );
}

/** Wakes whoever waits; rung while nobody waits, the next does not wait. */
class Bell {
  #next = Promise.withResolvers<void>();

  ring(): void {
    this.#next.resolve();
  }

  async rung(): Promise<void> {
    await this.#next.promise;
    this.#next = Promise.withResolvers<void>();
  }
}

/** Of places that hold the same chunk only the first is asked for; it fills the others too. */
function firstOfEach(incoming: Incoming): number[] {
  const seen = new Set<string>();
  return incoming.missing().filter((i) => {
    const cid = incoming.manifest.chunks[i]?.cid ?? "";
    return !seen.has(cid) && seen.add(cid);
  });
}
