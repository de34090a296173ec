import { formatTime, HnError } from "../../foundation/index.ts";
import type { Signer } from "../../identity/index.ts";
import { ERRORS, type Clock, type JsonObject, type Log, type WireError } from "../../contract/index.ts";
import type { Claim } from "../inbound/passage.ts";

/** To whom an answer is signed; a request id that is empty gets one of its own. */
export type Addressee = Claim;

/** Nobody in particular. @source 02 T-10 */
export const ANYBODY: Addressee = { from: "", requestId: "" };

export interface Answer {
  status: number;
  headers: Record<string, string>;
  text: string;
}

/** No page may read or embed it, no cache may keep it, and it is never anything but JSON. */
const PLAIN_HEADERS: Record<string, string> = {
  "content-type": "application/json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
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

  /** Signs a body for one reader. What cannot be signed becomes `internal_error`. */
  answer(status: number, body: JsonObject, to: Addressee): Answer {
    const timestamp = formatTime(this.#clock.now());
    const request_id = to.requestId === "" ? this.#newId() : to.requestId;
    let signature: string;
    try {
      signature = this.#signer.signResponse({ body, from: this.#signer.nodeId, request_id, status, timestamp, to: to.from });
    } catch (cause) {
      if (status === ERRORS.internal_error.status) throw cause;
      const message = "The capability gave an answer that cannot be written as JSON. Report it to whoever provides it.";
      return this.refuse(new HnError("internal_error", { message, cause }), to);
    }
    return {
      status,
      headers: {
        ...PLAIN_HEADERS,
        "x-hearthnet-request-id": request_id,
        "x-hearthnet-from": this.#signer.nodeId,
        "x-hearthnet-timestamp": timestamp,
        "x-hearthnet-signature": signature,
      },
      text: JSON.stringify(body),
    };
  }

  /**
   * Any failure as its wire form; what has no code stays in the log.
   * @param httpStatus  where HTTP asks for another than the code's own
   * @source 02 §5, T-11
   */
  refuse(thrown: unknown, to: Addressee, httpStatus?: number): Answer {
    const error = this.wireError(thrown, to);
    const status = httpStatus ?? ERRORS[error.error].status;
    const answer = this.answer(status, { ...error }, to);
    if (status === 429 || status === 503)
      answer.headers["retry-after"] = String(Math.max(1, Math.ceil((error.retry_after_ms ?? 1000) / 1000)));
    return answer;
  }

  wireError(thrown: unknown, to: Addressee): WireError {
    const error = HnError.from(thrown);
    if (error.code === "internal_error" && error.cause !== undefined) {
      this.#log.error("a request failed", { request_id: to.requestId, error });
    }
    return error.toWire();
  }

  get signer(): Signer {
    return this.#signer;
  }
}
