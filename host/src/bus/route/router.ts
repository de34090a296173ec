import { HnError } from "../../foundation/index.ts";
import type { CallBody, Principal } from "../../contract/index.ts";
import { slotOwner } from "../call/slots.ts";
import { isExperimental } from "../registry/name.ts";
import type { Provider } from "../registry/provider.ts";
import type { Registry } from "../registry/registry.ts";
import { findCandidates, type Need } from "./candidates.ts";
import { chooseBest, livelyOnes } from "./choose.ts";
import { Sessions } from "./session.ts";

/** Finds the provider for a call and keeps conversations where they began. @source 03 §5, §6 */
export class Router {
  readonly #registry: Registry;
  readonly #sessions: Sessions = new Sessions();
  readonly #preferLocal: boolean;
  readonly #research: () => boolean;

  constructor(o: { registry: Registry; preferLocal: boolean; research: () => boolean }) {
    this.#registry = o.registry;
    this.#preferLocal = o.preferLocal;
    this.#research = o.research;
    o.registry.onRemoved((provider) => this.#sessions.unbind(provider.key));
  }

  /** Whether strangers may know of it: something of this name serves anybody. @source 03 §8 */
  isForAnybody(capability: string): boolean {
    return this.#registry
      .named(capability)
      .some(({ local, descriptor }) => local?.onlyHere === false && descriptor.trust_required === "unknown");
  }

  /** @throws not_found | schema_mismatch | capacity_exceeded | partition */
  route(need: Need, caller: Principal, body: CallBody): Provider {
    if (isExperimental(need.capability) && !this.#research()) {
      throw new HnError("not_found", { message: "Experimental capabilities are switched off by this community's policy." });
    }
    const candidates = findCandidates(this.#registry.named(need.capability), need);
    const session = body.session_id;
    if (session === undefined) return chooseBest(livelyOnes(candidates, need.now), this.#preferLocal);
    const owner = slotOwner(caller);
    const bound = this.#sessions.find({ caller: owner, capability: need.capability, session, now: need.now });
    const kept = bound === undefined ? undefined : candidates.find((candidate) => candidate.key === bound);
    const chosen = kept ?? chooseBest(livelyOnes(candidates, need.now), this.#preferLocal);
    if (!kept) this.#sessions.bind({ caller: owner, capability: need.capability, session, entry: chosen.key, now: need.now });
    return chosen;
  }
}
