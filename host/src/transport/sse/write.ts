import type { FastifyReply } from "fastify";
import { formatTime, HnError } from "../../foundation/index.ts";
import { StreamDigest } from "../../identity/index.ts";
import { CONSTANTS, type Frame, type JsonObject, type Timer } from "../../contract/index.ts";
import type { Room } from "../http/room.ts";
import { toWire } from "../http/wire.ts";
import type { Passage } from "../inbound/passage.ts";
import { SlowReader } from "./slow-reader.ts";

const KEEPALIVE_MS = 15_000;

interface Job {
  reply: FastifyReply;
  passage: Passage;
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
  const quiet = Promise.withResolvers<"quiet">();
  const timer = room.clock.setTimeout(() => quiet.resolve("quiet"), KEEPALIVE_MS);
  try {
    await Promise.race([first, quiet.promise]);
  } finally {
    timer.cancel();
  }
  reply.hijack();
  const stream = new EventStream(room, job);
  try {
    let step = await first;
    while (step.done !== true) {
      await stream.frame(step.value);
      step = await frames.next();
    }
    await stream.end({ event: "done", data: step.value });
  } catch (error) {
    await stream.end({ event: "error", data: { ...room.answerer.wireError(error, job.passage.claim) } as JsonObject });
  } finally {
    await frames.return({}).catch(() => undefined);
  }
  return reply;
}

class EventStream {
  readonly #room: Room;
  readonly #passage: Passage;
  readonly #out: SlowReader;
  readonly #digest: StreamDigest = new StreamDigest();
  #keepalive: Timer | undefined;

  constructor(room: Room, { reply, passage }: Job) {
    this.#room = room;
    this.#passage = passage;
    reply.raw.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-hearthnet-request-id": passage.claim.requestId,
      "x-hearthnet-from": room.gate.nodeId,
    });
    reply.raw.flushHeaders();
    this.#out = new SlowReader(reply.raw, room.clock);
    this.#beat();
  }

  async frame(frame: Frame): Promise<void> {
    const data = toWire(frame.data);
    const text = JSON.stringify(data);
    if (Buffer.byteLength(text) > CONSTANTS.FRAME_MAX_BYTES) {
      throw new HnError("bad_request", {
        reason: "too_large",
        message: "A frame of this answer is larger than 1 MiB. Ask for smaller pieces.",
      });
    }
    this.#digest.add({ event: frame.event, data });
    await this.#out.write(`event: ${frame.event}\ndata: ${text}\n\n`);
  }

  async end(terminal: Frame): Promise<void> {
    this.#keepalive?.cancel();
    const data = toWire(terminal.data);
    const { signer } = this.#room.answerer;
    const timestamp = formatTime(this.#room.clock.now());
    const frames = this.#digest.frames;
    const digest = this.#digest.digest();
    const { requestId, from } = this.#passage.claim;
    const signature = signer.signStream({
      request_id: requestId,
      from: signer.nodeId,
      to: from,
      timestamp,
      frames,
      digest,
      terminal: { event: terminal.event, data },
    });
    const signed = { ...data, _sig: { frames, digest, timestamp, signature } };
    await this.#out.end(`event: ${terminal.event}\ndata: ${JSON.stringify(signed)}\n\n`);
  }

  #beat(): void {
    this.#keepalive = this.#room.clock.setTimeout(() => {
      this.#out.comment(": keepalive\n\n");
      this.#beat();
    }, KEEPALIVE_MS);
  }
}
