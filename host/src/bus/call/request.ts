import { HnError } from "../../foundation/index.ts";
import type { CallBody, Frame, Principal, SessionProof, VerifiedToken } from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";
import { checkAllowed } from "../trust/allow.ts";
import { decodeBinary } from "../schema/binary.ts";

/** One call on its way to one local provider. Times are monotonic milliseconds. */
export interface LocalRequest {
  capability: string;
  body: CallBody;
  caller: Principal;
  traceId: string;
  /** Span of the call that this one is made for; text when it lies on another node. */
  parent: number | string | undefined;
  requestId: string;
  hops: number;
  stream: boolean;
  startedAt: number;
  /** What the caller is willing to wait. */
  timeoutMs: number | undefined;
  signal: AbortSignal | undefined;
  /** What the caller sends after it. */
  frames: AsyncIterable<Frame> | undefined;
  /** Came with a call from the network. */
  token: VerifiedToken | undefined;
  /** What shows others that the caller asked for it. */
  proof: (() => SessionProof) | undefined;
}

const SESSION = /^[0-9A-Za-z_-]{1,64}$/;

/** The shape every call has, whatever its schema says. @throws bad_request */
export function checkBody(body: CallBody): void {
  const session = body.session_id;
  if (!isObject(body.params) || !isObject(body.input)) {
    throw new HnError("bad_request", {
      message: 'A call needs the objects "params" and "input". Send {} where there is nothing to say.',
    });
  }
  if (session !== undefined && (typeof session !== "string" || !SESSION.test(session))) {
    throw new HnError("bad_request", { message: "session_id must have 1 to 64 letters, digits, - or _." });
  }
}

/**
 * Trust, then request schema, then bytes: everything between the choice of a provider and its capacity.
 * @returns the body as the handler gets it
 * @throws unauthorized | not_federated | schema_mismatch | bad_request
 * @source 03 §8
 */
export function admit(provider: Provider, request: Pick<LocalRequest, "body" | "caller" | "token">): CallBody {
  const { local, descriptor } = provider;
  if (!local) throw new HnError("internal_error");
  checkAllowed(request.caller, descriptor.trust_required, request.token);
  const { body } = request;
  const fault = local.request(body);
  if (fault !== null) {
    throw new HnError("schema_mismatch", {
      message: `The request does not fit ${descriptor.name}: ${fault.path === "" ? "the body" : fault.path} ${fault.message}. Compare it with the capability's schema.`,
      paths: [fault.path],
      details: { schema_hash_expected: provider.schemaHash },
    });
  }
  return local.bytesIn.length === 0 ? body : decodeBinary(body, local.bytesIn);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
