import { HnError } from "../../foundation/index.ts";
import { StreamDigest } from "../../identity/index.ts";
import type { CommunityId, Frame, JsonObject, OutboundCall, Reply } from "../../contract/index.ts";
import { toWire } from "../http/wire.ts";
import { MUST_SIGN } from "../must-sign.ts";
import { EventParser } from "../sse/parse.ts";
import { exchange, openExchange, readAnswer, withClockRetry, type Letter, type Opened, type Wire } from "./exchange.ts";
import { readNetworkError, readWireError } from "./failure.ts";
import { Patience } from "./patience.ts";
import { readReply } from "./read-reply.ts";
import { readWhole } from "./request.ts";
import { REPLY_MAX_BYTES, verifyTerminal, type Expected } from "./verify-reply.ts";

/** Three keep-alives missed: the way is cut even if nobody said so. */
export const SILENCE_MS = 45_000;

/** One call answered as JSON. @throws HnError; no answer is `partition`, none in time `timeout` */
export async function callPeer(wire: Wire, call: OutboundCall, community: CommunityId): Promise<Reply> {
  const time = new Patience(wire.clock, call);
  try {
    const letter = letterOf(call, { community, accept: "application/json", time });
    return readReply(await withClockRetry(wire, call.to, () => exchange(wire, letter)));
  } finally {
    time.stop();
  }
}

/** One call answered frame by frame; an answer in one piece becomes the summary. */
export async function* streamPeer(
  wire: Wire,
  call: OutboundCall,
  community: CommunityId,
): AsyncGenerator<Frame, JsonObject, void> {
  const time = new Patience(wire.clock, call);
  try {
    const letter = letterOf(call, { community, accept: "application/json, text/event-stream", time });
    const opened = await withClockRetry(wire, call.to, async () => {
      const fresh = await openExchange(wire, letter);
      // A refusal is read here, so that a wrong clock gets its second try.
      if (fresh.reply.statusCode !== 200) await readRest(fresh, time);
      return fresh;
    });
    if (!String(opened.reply.headers["content-type"]).startsWith("text/event-stream"))
      return readReply(await readRest(opened, time)).output;
    return yield* readFrames({
      opened,
      time,
      mustSign: mustSign(wire, call),
    });
  } finally {
    time.stop();
  }
}

async function readRest({ reply, expected }: Opened, time: Patience): Promise<JsonObject> {
  return readAnswer(await readWhole(reply, { maxBytes: REPLY_MAX_BYTES, time }), expected);
}

interface Stream {
  opened: Opened;
  time: Patience;
  mustSign: boolean;
}

async function* readFrames(stream: Stream): AsyncGenerator<Frame, JsonObject, void> {
  const { opened, time, mustSign } = stream;
  const parser = new EventParser();
  const digest = new StreamDigest();
  const body = opened.reply.body;
  let begun = false;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (begun) time.extend(SILENCE_MS);
      for (const frame of framesIn(parser, chunk)) {
        if (frame.event === "done" || frame.event === "error")
          return finish(frame, { digest, expected: opened.expected, mustSign });
        begun = true;
        digest.add(frame);
        // Only the neighbour's silence counts, not the time the reader takes.
        time.pause();
        yield frame;
        time.extend(SILENCE_MS);
      }
    }
  } catch (cause) {
    if (!time.over) throw readNetworkError(cause, true);
    throw begun && !time.isCancelled ? new HnError("partition", { reason: "stream_cut" }) : time.over;
  } finally {
    body.destroy();
  }
  throw new HnError("partition", { reason: "stream_cut" });
}

/** Rubbish in the place of frames is the neighbour's failure, not the caller's. */
function framesIn(parser: EventParser, chunk: Uint8Array): Frame[] {
  try {
    return parser.push(chunk);
  } catch (cause) {
    throw new HnError("partition", { reason: "stream_cut", cause });
  }
}

/** Whether the end of this answer must be signed. @source 02 §4, T-14 */
export function mustSign(wire: Wire, call: Pick<OutboundCall, "capability" | "to">): boolean {
  return MUST_SIGN.test(call.capability) || wire.peers.signsStreams(call.to);
}

/** The summary in a stream's last frame. @throws what it reports · invalid_signature */
export function finish(frame: Frame, o: { digest: StreamDigest; expected: Expected; mustSign: boolean }): JsonObject {
  const { digest, expected, mustSign } = o;
  const frames = digest.frames;
  const data =
    mustSign || frame.data["_sig"] !== undefined
      ? verifyTerminal(frame, { frames, digest: digest.digest() }, expected)
      : frame.data;
  if (frame.event === "error") throw readWireError(data);
  return data;
}

function letterOf(call: OutboundCall, o: Pick<Letter, "community" | "accept" | "time">): Letter {
  return {
    to: call.to,
    endpoints: call.endpoints,
    method: "POST",
    path: "/bus/v1/call",
    capability: call.capability,
    version: call.version,
    body: toWire({ ...call.body }),
    traceId: call.traceId,
    timeoutMs: call.timeoutMs,
    ...(call.spanId === undefined ? {} : { spanId: call.spanId }),
    ...(call.onAnswer === undefined ? {} : { onAnswer: call.onAnswer }),
    ...(call.token === undefined ? {} : { token: call.token }),
    ...o,
  };
}
