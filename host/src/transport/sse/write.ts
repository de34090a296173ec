import type { FastifyReply } from "fastify";
import { HnError } from "../../foundation/index.ts";
import type { Frame, JsonObject, Timer } from "../../contract/index.ts";
import type { Room } from "../http/room.ts";
import type { Passage } from "../inbound/passage.ts";
import type { Visit } from "../inbound/visits.ts";
import { FrameWriter } from "./frame-writer.ts";
import { SlowReader } from "./slow-reader.ts";

const KEEPALIVE_MS = 15_000;

interface Job {
  reply: FastifyReply;
  passage: Passage;
  visit: Visit;
  frames: AsyncGenerator<Frame, JsonObject, void>;
}

/**
 * Sends frames as they come and a signed terminal one. What fails before the first frame is an ordinary refusal with its own status; silence
 * longer than the keep-alive opens the stream.
 * @source 02 §7.1, T-13, T-14
 */
export async function streamFrames(room: Room, job: Job): Promise<unknown> {
  const { reply, frames } = job;
  const first = frames.next();
  await firstOrSilence(room, first);
  reply.hijack();
  const stream = new EventStream(room, job);
  try {
    let step = await first;
    while (step.done !== true) {
      await stream.frame(step.value);
      step = await frames.next();
    }
    await stream.done(step.value);
  } catch (error) {
    // The provider's place is free before the slow reader hears why.
    await frames.return({}).catch(() => undefined);
    await stream.failed(job.visit.refusal ?? error);
  }
  return reply;
}

/** @throws what the first step throws, when it comes before the silence is over */
async function firstOrSilence(room: Room, first: Promise<unknown>): Promise<void> {
  const quiet = Promise.withResolvers<undefined>();
  const timer = room.clock.setTimeout(() => quiet.resolve(undefined), KEEPALIVE_MS);
  try {
    await Promise.race([first, quiet.promise]);
  } finally {
    timer.cancel();
  }
}

/** One response as a stream of events. */
class EventStream {
  readonly #room: Room;
  readonly #passage: Passage;
  readonly #out: SlowReader;
  readonly #writer: FrameWriter;
  #keepalive: Timer | undefined;

  constructor(room: Room, { reply, passage }: Job) {
    const { requestId, from } = passage.claim;
    this.#room = room;
    this.#passage = passage;
    this.#writer = new FrameWriter({ signer: room.answerer.signer, clock: room.clock, to: from, requestId });
    reply.raw.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-hearthnet-request-id": requestId,
      "x-hearthnet-from": room.gate.nodeId,
    });
    reply.raw.flushHeaders();
    this.#out = new SlowReader(reply.raw, room.clock);
    this.#beat();
  }

  frame(frame: Frame): Promise<void> {
    return this.#out.write(this.#writer.frame(frame));
  }

  async done(summary: JsonObject): Promise<void> {
    const text = this.#writer.terminal("done", summary);
    this.#keepalive?.cancel();
    await this.#out.end(text);
  }

  async failed(error: unknown): Promise<void> {
    this.#keepalive?.cancel();
    const wire = this.#room.answerer.wireError(HnError.from(error), this.#passage.claim);
    await this.#out.end(this.#writer.terminal("error", { ...wire }));
  }

  #beat(): void {
    this.#keepalive = this.#room.clock.setTimeout(() => {
      this.#out.comment(": keepalive\n\n");
      this.#beat();
    }, KEEPALIVE_MS);
  }
}
