import type { Dispatcher } from "undici";
import { HnError } from "../../foundation/index.ts";
import type { CommunityId, Endpoint, NodeId, PackageAnswer, PackageQuestion } from "../../contract/index.ts";
import { openExchange, readAnswer, withClockRetry, type Letter, type Opened, type Wire } from "./exchange.ts";
import { readNetworkError } from "./failure.ts";
import { Patience } from "./patience.ts";
import { readWhole } from "./request.ts";

/** A neighbour that says nothing for so long is given up. */
const SILENCE_MS = 10_000;
const ATTEMPTS = 6;
const WAIT_MAX_MS = 5000;
const REFUSAL_MAX_BYTES = 65_536;

/**
 * A file out of a neighbour's store. Refusals are signed; the file is not: whoever asked compares it with what it knows of it.
 * @throws not_found · what the neighbour refuses with · partition · timeout
 * @source marketplace §5.5
 */
export async function packageFile(
  wire: Wire,
  to: { node_id: NodeId; endpoints: Endpoint[] },
  o: { question: PackageQuestion; community: CommunityId; signal?: AbortSignal },
): Promise<PackageAnswer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open(wire, to, o);
    } catch (error) {
      const wait = HnError.isHnError(error) ? error.retryAfterMs : undefined;
      if (wait === undefined || attempt >= ATTEMPTS || wait > WAIT_MAX_MS) throw error;
      await pause(wire, wait, o.signal);
    }
  }
}

async function open(
  wire: Wire,
  to: { node_id: NodeId; endpoints: Endpoint[] },
  { question, community, signal }: { question: PackageQuestion; community: CommunityId; signal?: AbortSignal },
): Promise<PackageAnswer> {
  const time = new Patience(wire.clock, { signal, timeoutMs: SILENCE_MS });
  const from = question.kind === "blob" ? (question.from ?? 0) : 0;
  const letter: Letter = {
    to: to.node_id,
    endpoints: to.endpoints,
    ...addressed(question),
    method: "GET",
    version: "1.0",
    community,
    accept: "application/octet-stream, application/json",
    time,
    ...(from === 0 ? {} : { range: `bytes=${from}-` }),
  };
  try {
    const { reply } = await withClockRetry(wire, to.node_id, async () => {
      const fresh = await openExchange(wire, letter);
      if (fresh.reply.statusCode !== 200 && fresh.reply.statusCode !== 206) await refused(fresh, time);
      return fresh;
    });
    const begins = reply.statusCode === 206 ? startOf(reply) : 0;
    if (begins !== 0 && begins !== from) throw odd(reply);
    return { from: begins, bytes: read(reply, time) };
  } catch (error) {
    time.stop();
    throw error;
  }
}

function addressed(question: PackageQuestion): Pick<Letter, "path" | "capability" | "body"> {
  if (question.kind === "meta") {
    const { registry, file } = question;
    return { path: `/pkg/v1/tuf/${registry}/${file}`, capability: "sys.pkg.meta", body: { registry, file } };
  }
  const { by, hash } = question;
  return { path: `/pkg/v1/blobs/${by}/${hash}`, capability: "sys.pkg.blob", body: { [by]: hash } };
}

/** @throws what the refusal says, when it is genuine */
async function refused({ reply, expected }: Opened, time: Patience): Promise<never> {
  readAnswer(await readWhole(reply, { maxBytes: REFUSAL_MAX_BYTES, time }), expected);
  throw odd(reply);
}

async function* read(reply: Dispatcher.ResponseData, time: Patience): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      // Only the neighbour's silence counts, not the time that the disk here takes.
      time.pause();
      yield chunk;
      time.extend(SILENCE_MS);
    }
  } catch (cause) {
    throw time.over !== undefined && !time.isCancelled
      ? new HnError("partition", { reason: "stream_cut", cause })
      : (time.over ?? readNetworkError(cause, true));
  } finally {
    reply.body.destroy();
    time.stop();
  }
}

function startOf({ headers }: Dispatcher.ResponseData): number {
  const range = headers["content-range"];
  const [, first] = /^bytes (\d{1,15})-\d{1,15}\/\d{1,15}$/.exec(typeof range === "string" ? range : "") ?? [];
  return first === undefined ? -1 : Number(first);
}

function odd(reply: Dispatcher.ResponseData): HnError {
  reply.body.on("error", () => undefined).destroy();
  return new HnError("partition", {
    reason: "provider_unreachable",
    message: "The neighbour's answer is not what was asked for. Its software may be older or newer than this one.",
  });
}

async function pause(wire: Wire, ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = wire.clock.setTimeout(resolve, ms);
  const leave = (): void => resolve();
  signal?.addEventListener("abort", leave, { once: true });
  await promise;
  timer.cancel();
  signal?.removeEventListener("abort", leave);
  signal?.throwIfAborted();
}
