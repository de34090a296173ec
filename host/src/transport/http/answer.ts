import { formatTime, HnError } from "../../foundation/index.ts";
import type { Signer } from "../../identity/index.ts";
import { ERRORS, type Clock, type JsonObject, type Log, type NodeId, type WireError } from "../../contract/index.ts";

/** To whom an answer is signed. */
export interface Addressee {
  from: NodeId | "";
  requestId: string;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  text: string;
}

const SECURITY_HEADERS: Record<string, string> = {
  "content-type": "application/json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
};

/** Signs whatever leaves this node as JSON, errors too. @source 02 §4, T-10 */
export class Answerer {
  readonly #signer: Signer;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #newId: () => string;

  constructor(o: { signer: Signer; clock: Clock; log: Log; newId: () => string }) {
    this.#signer = o.signer;
    this.#clock = o.clock;
    this.#log = o.log;
    this.#newId = o.newId;
  }

  /** @param to `requestId` may be empty: then the answer gets an id of its own */
  answer(status: number, body: JsonObject, to: Addressee): Answer {
    const timestamp = formatTime(this.#clock.now());
    const request_id = to.requestId === "" ? this.#newId() : to.requestId;
    let signature: string;
    try {
      signature = this.#signer.signResponse({ request_id, from: this.#signer.nodeId, to: to.from, timestamp, status, body });
    } catch (cause) {
      if (status === ERRORS.internal_error.status) throw cause;
      return this.refuse(new HnError("internal_error", { message: "The answer cannot be written as JSON.", cause }), to);
    }
    return {
      status,
      headers: {
        ...SECURITY_HEADERS,
        "x-hearthnet-request-id": request_id,
        "x-hearthnet-from": this.#signer.nodeId,
        "x-hearthnet-timestamp": timestamp,
        "x-hearthnet-signature": signature,
      },
      text: JSON.stringify(body),
    };
  }

  /** Any failure as its wire form; what has no code stays in the log. @source 02 §5, T-11 */
  refuse(thrown: unknown, to: Addressee): Answer {
    const error = this.wireError(thrown, to);
    const { status } = ERRORS[error.error];
    const answer = this.answer(status, { ...error } as JsonObject, to);
    if (status === 429 || status === 503)
      answer.headers["retry-after"] = String(Math.max(1, Math.ceil((error.retry_after_ms ?? 1000) / 1000)));
    return answer;
  }

  wireError(thrown: unknown, to: Addressee): WireError {
    const error = HnError.from(thrown);
    if (error.code === "internal_error" && error.cause !== undefined) {
      this.#log.error("a request failed", { request_id: to.requestId, cause: String(error.cause) });
    }
    return error.toWire();
  }

  get signer(): Signer {
    return this.#signer;
  }
}
