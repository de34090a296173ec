/** Sums of hashes can be crafted to be equal; sums of hashes under a salt that nobody could know cannot. @source network.md §5 stage 3 */
import { createHash, createHmac } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, JsonValue, NodeId, Timer } from "../../contract/index.ts";
import { decodeBase64url, encodeBase64url, HnError } from "../../foundation/index.ts";
import type { EventSet } from "./event-set.ts";
import { wrong } from "./range-message.ts";
import { BEGINNING, type Bound, compareBounds, SumTree } from "./sum-tree.ts";

export const HALF_BYTES = 32;
const LABEL = "hearthnet.sync-salt.v1";
/** A pause after so much hashing, milliseconds. */
const SLICE_MS = 5;
const PAGE = 256;
/** How long one comparison may take from its first question on; then its sums are forgotten. */
const KEPT_MS = 600_000;
/** A peer may have the whole log hashed once in so long. */
const PEER_PAUSE_MS = 72_000_000;
const BUILDING_RETRY_MS = 1000;
const PEERS_MAX = 4096;

/** What the asker says of the salt: its half, and up to which lamport is compared, since new events arrive all the time. */
export interface SaltQuestion {
  half: Uint8Array;
  upTo: number;
}

/** @throws bad_request */
export function readSaltQuestion(value: JsonValue | undefined): SaltQuestion {
  const { up_to: upTo } = objectOf(value);
  if (typeof upTo !== "number" || !Number.isSafeInteger(upTo) || upTo < 0)
    throw wrong("the salt must say up to which lamport it goes");
  return { half: readHalf(value), upTo };
}

/** What either side brings. @throws bad_request */
export function readHalf(value: JsonValue | undefined): Uint8Array {
  const { half } = objectOf(value);
  if (typeof half !== "string") throw wrong("the salt needs a half");
  return decodeBase64url(half, HALF_BYTES);
}

function objectOf(value: JsonValue | undefined): Partial<Record<string, JsonValue>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

/** Neither side alone decides it. */
export function jointSalt(asker: Uint8Array, answerer: Uint8Array): Uint8Array {
  return createHash("sha256").update(LABEL).update(asker).update(answerer).digest();
}

/** The same places with other hashes; read in slices, as the log may be long. Events that are added meanwhile beyond `upTo` are left out. */
export async function saltedTree(
  set: Pick<EventSet, "tree">,
  o: { salt: Uint8Array; upTo: number; clock: Clock },
): Promise<SumTree> {
  const out = new SumTree();
  const to: Bound = [o.upTo + 1, ""];
  let from: Bound = BEGINNING;
  let page = PAGE;
  let since = o.clock.monotonic();
  for (;;) {
    let read = 0;
    let last = from;
    for (const { position, hash } of set.tree.items(from, to)) {
      out.add(position, createHash("sha256").update(o.salt).update(hash).digest());
      last = [position.lamport, position.event_id];
      if (++read === page) break;
    }
    if (read < page) return out;
    // Many authors at one place: it begins there anew, and has to get beyond it.
    page = compareBounds(last, from) === 0 ? page * 2 : PAGE;
    from = last;
    if (o.clock.monotonic() - since < SLICE_MS) continue;
    await nextTurn();
    since = o.clock.monotonic();
  }
}

interface Kept {
  node: NodeId;
  half: string;
  upTo: number;
  tree: SumTree | null;
  /** Forgets it. */
  timer: Timer;
}

/** The answering side: one comparison at a time, and each peer seldom, because each means hashing the whole log. */
export class SaltedAnswers {
  readonly #clock: Clock;
  readonly #secret: Uint8Array;
  readonly #asked: Map<NodeId, number> = new Map();
  #kept: Kept | null = null;

  /** @param secret  known to nobody, so that no asker can choose its half to fit ours */
  constructor(o: { clock: Clock; secret: Uint8Array }) {
    this.#clock = o.clock;
    this.#secret = o.secret;
  }

  /** Our half; the same for the same question. */
  half(node: NodeId, { half }: SaltQuestion): Uint8Array {
    return createHmac("sha256", this.#secret).update(node).update("\0").update(half).digest();
  }

  /** Begins to hash for a question, once. @throws rate_limited · capacity_exceeded while another peer's comparison goes on */
  begin(set: Pick<EventSet, "tree">, node: NodeId, question: SaltQuestion): void {
    const now = this.#clock.monotonic();
    if (this.#find(node, question) !== null) return;
    if (this.#kept !== null && this.#kept.node !== node)
      throw new HnError("capacity_exceeded", {
        retryAfterMs: KEPT_MS,
        message: "Another member's log is being compared. Ask later.",
      });
    const next = (this.#asked.get(node) ?? -Infinity) + PEER_PAUSE_MS;
    if (next > now)
      throw new HnError("rate_limited", { retryAfterMs: next - now, message: "Logs are compared under a salt once a day." });
    this.#note(node, now);
    this.forget();
    const half = encodeBase64url(question.half);
    const timer = this.#clock.setTimeout(() => this.forget(), KEPT_MS);
    const kept: Kept = { node, half, upTo: question.upTo, tree: null, timer };
    this.#kept = kept;
    const salt = jointSalt(question.half, this.half(node, question));
    void saltedTree(set, { salt, upTo: question.upTo, clock: this.#clock }).then((tree) => (kept.tree = tree));
  }

  /** @throws expired where it was not begun, or too long ago · capacity_exceeded log_being_read while it is hashed */
  tree(node: NodeId, question: SaltQuestion): SumTree {
    const kept = this.#find(node, question);
    if (kept === null) throw new HnError("expired", { message: "That comparison is over. Begin a new one." });
    if (kept.tree === null) throw new HnError("capacity_exceeded", { reason: "log_being_read", retryAfterMs: BUILDING_RETRY_MS });
    return kept.tree;
  }

  /** The sums of a long log take as much memory as the log's own. */
  forget(): void {
    this.#kept?.timer.cancel();
    this.#kept = null;
  }

  #find(node: NodeId, { half, upTo }: SaltQuestion): Kept | null {
    const kept = this.#kept;
    return kept?.node === node && kept.upTo === upTo && kept.half === encodeBase64url(half) ? kept : null;
  }

  #note(node: NodeId, now: number): void {
    for (const [other, at] of this.#asked) {
      if (at + PEER_PAUSE_MS > now && this.#asked.size < PEERS_MAX) break;
      this.#asked.delete(other);
    }
    this.#asked.delete(node);
    this.#asked.set(node, now);
  }
}
