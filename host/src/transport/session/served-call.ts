import { encodeBase64url, HnError, isRequestId, ownId } from "../../foundation/index.ts";
import type { JsonObject, JsonValue } from "../../contract/index.ts";

const NAME = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;
const VERSION = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/;
const TOKEN_MAX_BYTES = 2048;
const TIMEOUT_MAX_MS = 999_999_999;

/** What a CALL record says, checked for form. @source network.md §1.4 */
export interface CallFacts {
  capability: string;
  version: string;
  requestId: string;
  traceId: string;
  /** Remaining milliseconds. */
  timeoutMs: number | undefined;
  token: string | undefined;
  wantsStream: boolean;
  body: JsonValue | undefined;
}

/** @throws bad_request, to the caller of this call alone @source 02 §3 step 1 */
export function readCallFacts(value: JsonObject): CallFacts {
  const { cap, ver, rid, dl, tok, tr, st, body } = value;
  if (typeof cap !== "string" || cap.length > 64 || !NAME.test(cap)) throw wrong("cap", "is not a capability's name");
  if (typeof ver !== "string" || !VERSION.test(ver)) throw wrong("ver", "is not of the form X.Y");
  if (!isRequestId(rid)) throw wrong("rid", "is not an id of 8 to 64 letters, digits, - or _");
  if (tr !== undefined && !isRequestId(tr)) throw wrong("tr", "is not an id");
  if (dl !== undefined && (typeof dl !== "number" || !Number.isInteger(dl) || dl < 1 || dl > TIMEOUT_MAX_MS))
    throw wrong("dl", "is not a whole number of milliseconds");
  if (tok !== undefined && (typeof tok !== "string" || Buffer.byteLength(tok) > TOKEN_MAX_BYTES))
    throw wrong("tok", "is no text of at most 2048 bytes");
  if (st !== undefined && typeof st !== "boolean") throw wrong("st", "is neither true nor false");
  const requestId = ownId(rid);
  return {
    capability: cap,
    version: ver,
    requestId,
    traceId: tr === undefined ? requestId : ownId(tr),
    timeoutMs: dl,
    token: tok,
    wantsStream: st === true,
    body,
  };
}

function wrong(name: string, why: string): HnError {
  return new HnError("bad_request", { reason: "call_malformed", message: `The field ${name} of the call ${why}.` });
}

/** One call of the peer that is being answered. */
export class ServedCall {
  readonly id: number;
  readonly leaf: Buffer;
  /** Class `with`: the answer is sealed and names its question. */
  sealed = false;
  /** Its first frame has left or waits; what follows keeps its place. */
  hasBegun = false;
  /** What the caller is told instead of any answer. */
  refusal: HnError | undefined;
  /** Answered, refused or cancelled. */
  isOver = false;
  readonly #controller: AbortController = new AbortController();

  constructor(id: number, leaf: Buffer) {
    this.id = id;
    this.leaf = leaf;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(error: HnError): void {
    this.#controller.abort(error);
  }

  /** Ends the work; the caller hears why, whatever the work itself has to say. */
  end(error: HnError): void {
    this.refusal ??= error;
    this.abort(error);
  }

  /** What an answer of class `with` carries in addition. */
  get re(): { re: string } | Record<string, never> {
    return this.sealed ? { re: encodeBase64url(this.leaf) } : {};
  }
}
