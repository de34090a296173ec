import type { IncomingMessage } from "node:http";
import { HnError } from "../../foundation/index.ts";

/** All bytes of request bodies that are being read at this moment. @source network.md §2.1 */
export class BodyBudget {
  readonly #max: number;
  #used = 0;

  constructor(maxBytes: number) {
    this.#max = maxBytes;
  }

  take(bytes: number): void {
    if (this.#used + bytes > this.#max) {
      throw new HnError("capacity_exceeded", {
        retryAfterMs: 1000,
        message: "This node is receiving as much as it can hold. Wait for the stated time, then try again.",
      });
    }
    this.#used += bytes;
  }

  giveBack(bytes: number): void {
    this.#used -= bytes;
  }
}

/**
 * Reads a request's body up to a limit. What is over the limit stays unread, see {@link discardBody}.
 * @throws bad_request reason too_large · capacity_exceeded · partition reason stream_cut when the sender went away
 * @source 02 T-1
 */
export async function readBody(request: IncomingMessage, maxBytes: number, budget: BodyBudget): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isOver = false;
  const onEnd = (): void => {
    isOver = true;
    resolve();
  };
  const onData = (chunk: Buffer): void => {
    try {
      if (size + chunk.byteLength > maxBytes) throw tooLarge(maxBytes);
      budget.take(chunk.byteLength);
      size += chunk.byteLength;
      chunks.push(chunk);
    } catch (error) {
      request.pause();
      reject(HnError.from(error));
    }
  };
  // An error made for nobody would cost more than the reading.
  const onCut = (cause?: unknown): void => {
    if (!isOver) reject(new HnError("partition", { reason: "stream_cut", cause }));
  };
  request.on("data", onData).once("end", onEnd).once("error", onCut).once("close", onCut);
  try {
    await promise;
    return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size);
  } finally {
    request.off("data", onData).off("end", onEnd).off("error", onCut).off("close", onCut);
    budget.giveBack(size);
  }
}

/**
 * Takes the rest of a refused body off the line without keeping it, so that the sender, who may still be writing, gets to read the refusal.
 * One that sends more than any allowed body is cut.
 */
export function discardBody(request: IncomingMessage, maxBytes: number): void {
  if (request.complete || request.destroyed) return;
  let left = maxBytes;
  request.on("error", () => request.destroy());
  request.on("data", (chunk: Buffer) => {
    left -= chunk.byteLength;
    if (left < 0) request.socket.destroy();
  });
  request.resume();
}

function tooLarge(maxBytes: number): HnError {
  return new HnError("bad_request", {
    reason: "too_large",
    message: `The body is larger than the ${maxBytes} bytes allowed here. Send less, or split it.`,
  });
}
