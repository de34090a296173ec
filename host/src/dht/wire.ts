/** Questions and answers as they cross the wire: signed, fresh, each for one recipient. @source 06 §2, H-2 */
import type { Clock, DhtEndpoint, DhtRpc, JsonObject, NodeId, Signature } from "../contract/index.ts";
import { formatTime, HnError, isTime, isUlid, LruMap, parseTime } from "../foundation/index.ts";
import { isNodeId } from "../identity/index.ts";
import type { Verify } from "./check-value.ts";
import { isEndpoint } from "./contact.ts";

const SKEW_MS = 120_000;
const SEEN_MAX = 16_384;
/** What an answer to each question carries; without one of them it is none. */
const CARRIES: Record<DhtRpc, readonly string[]> = {
  ping: ["pong"],
  find_node: ["closer"],
  find_value: ["values", "closer"],
  store: ["stored"],
};

export interface Crypto {
  sign: (kind: "dht-request" | "dht-reply" | "dht-value", value: object) => Signature;
  verify: Verify;
}

export interface Letters {
  self: NodeId;
  clock: Clock;
  crypto: Crypto;
  newId: () => string;
  /** Where this node can be reached from outside; absent where nobody knows. */
  endpoint: () => DhtEndpoint | undefined;
}

/** A signed question to `to`. */
export function ask(o: Letters, to: NodeId, body: JsonObject): JsonObject & { trace_id: string } {
  const endpoint = o.endpoint();
  const question = {
    ...body,
    from: o.self,
    to,
    trace_id: o.newId(),
    timestamp: formatTime(o.clock.now()),
    ...(endpoint === undefined ? {} : { endpoint: { ...endpoint } }),
  };
  return { ...question, signature: o.crypto.sign("dht-request", question) };
}

export function reply(o: Letters, traceId: string, body: JsonObject): JsonObject {
  const answer = { ...body, from: o.self, trace_id: traceId, timestamp: formatTime(o.clock.now()) };
  return { ...answer, signature: o.crypto.sign("dht-reply", answer) };
}

/** @throws invalid_signature: not this contact's, not to this question, or not fresh */
export function readReply(o: Letters, answer: unknown, asked: { rpc: DhtRpc; by: NodeId; traceId: string }): JsonObject {
  if (isObject(answer) && answer["from"] === asked.by && answer["trace_id"] === asked.traceId) {
    const isWhole = CARRIES[asked.rpc].some((field) => answer[field] !== undefined);
    if (isWhole && isFresh(answer["timestamp"], o.clock) && o.crypto.verify("dht-reply", answer, { by: asked.by })) return answer;
  }
  throw new HnError("invalid_signature", { reason: "response_unsigned", message: "The contact's answer is not its own." });
}

export type Question = Omit<JsonObject, "endpoint"> & { from: NodeId; trace_id: string; endpoint?: DhtEndpoint };

/** Reads questions; each counts once. */
export class Desk {
  readonly #o: Letters;
  readonly #seen = new LruMap<string, number>(SEEN_MAX);

  constructor(o: Letters) {
    this.#o = o;
  }

  /** @throws bad_request · expired reason clock_skew · invalid_signature */
  open(body: unknown): Question {
    const { clock, self, crypto } = this.#o;
    if (!isObject(body)) throw new HnError("bad_request", { message: "The body must be one JSON object." });
    const { from, to, trace_id, timestamp, endpoint } = body;
    if (!isNodeId(from) || !isUlid(trace_id) || !isTime(timestamp) || (endpoint !== undefined && !isEndpoint(endpoint)))
      throw new HnError("bad_request", { message: "A question names from, trace_id and timestamp." });
    if (to !== undefined && to !== self) throw new HnError("invalid_signature", { message: "The question is for another node." });
    if (!isFresh(timestamp, clock)) throw new HnError("expired", { reason: "clock_skew" });
    const name = `${from} ${trace_id}`;
    if (clock.monotonic() - (this.#seen.get(name) ?? -Infinity) < 2 * SKEW_MS)
      throw new HnError("invalid_signature", { message: "The question was asked before." });
    if (!crypto.verify("dht-request", body, { by: from })) throw new HnError("invalid_signature");
    this.#seen.set(name, clock.monotonic());
    return { ...body, from, trace_id };
  }

  /** Those that are too old to be asked again. */
  forget(): void {
    const now = this.#o.clock.monotonic();
    this.#seen.trim((at) => now - at >= 2 * SKEW_MS);
  }
}

function isFresh(timestamp: unknown, clock: Clock): boolean {
  return isTime(timestamp) && Math.abs(parseTime(timestamp) - clock.now()) <= SKEW_MS;
}

const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);
