import type { Dispatcher } from "undici";
import { HnError } from "../../foundation/index.ts";
import { readNetworkError } from "./failure.ts";
import type { Patience } from "./patience.ts";

type Controller = Dispatcher.DispatchController;
type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2];

/** An answer that is there in one piece. */
export interface WholeReply {
  status: number;
  headers: Headers;
  bytes: Uint8Array;
}

/**
 * Takes an answer straight from the connection, without a stream in between.
 * @throws what the connection fails with · internal_error reason too_large · partition reason stream_cut when it ends too early · timeout
 */
export function fetchWhole(
  pool: Dispatcher,
  request: Dispatcher.DispatchOptions,
  o: { maxBytes: number; time: Patience },
): Promise<WholeReply> {
  return new Promise((resolve, reject) => {
    const collector = new Collector(resolve, reject, o.maxBytes);
    o.time.interruptWith((error) => collector.fail(error));
    if (!collector.isOver) pool.dispatch(request, collector);
  });
}

class Collector implements Dispatcher.DispatchHandler {
  isOver = false;
  readonly #resolve: (reply: WholeReply) => void;
  readonly #reject: (error: unknown) => void;
  readonly #maxBytes: number;
  #controller: Controller | undefined;
  #failure: unknown;
  #status = 0;
  #headers: Headers = {};
  readonly #chunks: Buffer[] = [];
  #size = 0;

  constructor(resolve: (reply: WholeReply) => void, reject: (error: unknown) => void, maxBytes: number) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#maxBytes = maxBytes;
  }

  /** Ends it for its reader at once, and on the connection as soon as there is one. */
  fail(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#failure = error;
    this.#reject(error);
    this.#controller?.abort(HnError.from(error));
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.isOver) controller.abort(HnError.from(this.#failure));
  }

  onResponseStart(_controller: Controller, status: number, headers: Headers): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.#size += chunk.byteLength;
    if (this.#size <= this.#maxBytes) this.#chunks.push(chunk);
    else
      this.fail(
        new HnError("internal_error", { reason: "too_large", message: "The neighbour's answer is larger than allowed." }),
      );
  }

  onResponseEnd(): void {
    if (this.isOver) return;
    this.isOver = true;
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks, this.#size);
    this.#resolve({ status: this.#status, headers: this.#headers, bytes });
  }

  onResponseError(_controller: Controller, error: Error): void {
    // Before the answer has begun the address may still be the fault; the sender judges that by the error itself.
    this.fail(this.#status === 0 ? error : readNetworkError(error, true));
  }
}
