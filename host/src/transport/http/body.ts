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
 * Reads a request's body up to a limit.
 * @throws bad_request reason too_large · capacity_exceeded
 * @source 02 T-1
 */
export async function readBody(request: IncomingMessage, maxBytes: number, budget: BodyBudget): Promise<Buffer> {
  const tooLarge = (): HnError =>
    new HnError("bad_request", {
      reason: "too_large",
      message: `The body is larger than the ${maxBytes} bytes allowed here. Send less, or split it.`,
    });
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // A refused body must not take the connection with it: the refusal still has to be written.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (size + chunk.byteLength > maxBytes) throw tooLarge();
      budget.take(chunk.byteLength);
      size += chunk.byteLength;
      chunks.push(chunk);
    }
    return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size);
  } finally {
    budget.giveBack(size);
  }
}
