import { hash } from "node:crypto";
import { encodeBase64url, formatTime, isTime } from "../../foundation/index.ts";
import { canonicalText, type Signer, verifyTyped } from "../../identity/index.ts";
import type { CommunityId, JsonObject, NodeId, PeerSeal, Signature } from "../../contract/index.ts";
import { CLOSE, SessionFault } from "./fault.ts";
import { rootOf } from "./merkle.ts";

/** Whose words, on which session. */
export interface SealFacts {
  session: string;
  from: NodeId;
  to: NodeId;
  /** That `from` acts from. */
  community: CommunityId;
  th6: Uint8Array;
}

export interface SignedSeal {
  seal: PeerSeal;
  signature: Signature;
}

/** What was agreed on: a seal and the leaves under it. */
export interface SealedLeaves extends SignedSeal {
  leaves: Buffer[];
}

/** The same as it was heard on a session. */
export interface HeardSeal extends SealedLeaves {
  /** It came before what it covers was done: class `with`. */
  isWith: boolean;
}

/** Where a chain of seals stands; both ends count alike. @source network.md §1.6 */
class Chain {
  readonly facts: SealFacts;
  #n = 0;
  #first = 0;
  #prev: string;
  leaves: Buffer[] = [];

  constructor(facts: SealFacts) {
    this.facts = facts;
    this.#prev = encodeBase64url(facts.th6);
  }

  /** The seal that must come next, over the leaves that wait. */
  next(time: string): PeerSeal {
    const { session, from, to, community } = this.facts;
    const type = "hearthnet.peer-seal.v1";
    const root = encodeBase64url(rootOf(this.leaves));
    return {
      type,
      session,
      from,
      to,
      community,
      n: this.#n,
      first: this.#first,
      count: this.leaves.length,
      root,
      prev: this.#prev,
      time,
    };
  }

  /** @param text  canonical form of the seal that was given over what waits */
  move(text: string): Buffer[] {
    const { leaves } = this;
    this.#n += 1;
    this.#first += leaves.length;
    this.#prev = hashOf(text);
    this.leaves = [];
    return leaves;
  }
}

/** `prev` of the seal after this one. */
export function sealHash(seal: PeerSeal): string {
  return hashOf(canonicalText(seal));
}

function hashOf(text: string): string {
  return hash("sha256", text, "base64url");
}

/** Signs what this side has said. */
export class SealWriter {
  readonly #chain: Chain;
  readonly #signer: Signer;

  constructor(signer: Signer, facts: SealFacts) {
    this.#chain = new Chain(facts);
    this.#signer = signer;
  }

  /** Leaves that no seal covers yet. */
  get waiting(): number {
    return this.#chain.leaves.length;
  }

  add(leaf: Buffer): void {
    this.#chain.leaves.push(leaf);
  }

  /** Body of a SEAL record over everything that waits. @param now  Unix milliseconds */
  seal(now: number): string {
    const seal = this.#chain.next(formatTime(now));
    const signature = this.#signer.signPeerSeal(seal);
    const text = canonicalText(seal);
    this.#chain.move(text);
    return `{"seal":${text},"signature":"${signature}"}`;
  }
}

/** Checks what the other side has signed against what it was heard to say. */
export class SealReader {
  readonly #chain: Chain;

  constructor(facts: SealFacts) {
    this.#chain = new Chain(facts);
  }

  get waiting(): number {
    return this.#chain.leaves.length;
  }

  add(leaf: Buffer): void {
    this.#chain.leaves.push(leaf);
  }

  /** @throws SessionFault 4412 for a seal that does not continue the chain, does not cover exactly what waits, or is not the peer's */
  read(body: JsonObject): SealedLeaves {
    const { seal, signature } = body;
    if (typeof seal !== "object" || seal === null || Array.isArray(seal) || typeof signature !== "string") throw unsealed();
    const time = seal["time"];
    if (this.#chain.leaves.length === 0 || !isTime(time)) throw unsealed();
    const expected = this.#chain.next(time);
    // Every member is known beforehand, so nothing but these can be meant.
    if (!isSame(seal, expected)) throw unsealed();
    if (!verifyTyped("peer-seal", expected, { by: this.#chain.facts.from, signature })) throw unsealed();
    return { seal: expected, signature, leaves: this.#chain.move(canonicalText(expected)) };
  }
}

/** All members are text and numbers. */
function isSame(heard: JsonObject, expected: PeerSeal): boolean {
  const members = Object.entries(expected);
  return Object.keys(heard).length === members.length && members.every(([name, value]) => heard[name] === value);
}

function unsealed(): SessionFault {
  return new SessionFault(CLOSE.seal);
}
