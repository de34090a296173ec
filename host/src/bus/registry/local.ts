import { HnError } from "../../foundation/index.ts";
import { schemaHash } from "../../identity/index.ts";
import {
  CONSTANTS,
  type JsonObject,
  type NodeId,
  type Offer,
  type PreparedOffers,
  type Registration,
} from "../../contract/index.ts";
import { createCompiler } from "../schema/compile.ts";
import { parsePointer } from "../schema/pointer.ts";
import { formatVersion } from "../route/version.ts";
import { checkOffer, paramsFault } from "./check-offer.ts";
import { entryKey } from "./key.ts";
import { Provider, type LocalPart } from "./provider.ts";
import type { Registry } from "./registry.ts";

/**
 * What this node itself offers.
 * @source 03 §1, §4
 */
export class LocalOffers {
  readonly #compile = createCompiler();
  readonly #nodeId: NodeId;
  readonly #registry: Registry;
  readonly #now: () => number;

  constructor(o: { nodeId: NodeId; registry: Registry; now: () => number }) {
    this.#nodeId = o.nodeId;
    this.#registry = o.registry;
    this.#now = o.now;
  }

  /** @throws bad_request reason schema_invalid | namespace_violation */
  offer(offer: Offer): Registration {
    return this.#place(offer, this.#check(offer));
  }

  /** Checks and compiles now, so that `flip` has entries to exchange and nothing else to do. @throws as {@link offer} */
  prepare(offers: readonly Offer[]): PreparedOffers {
    const checked = offers.map((offer) => {
      const provider = this.#check(offer);
      // What the flip will compare is written out now.
      const former = this.#owned(provider.key, offer);
      if (former !== undefined) sameContract(former, provider);
      return { offer, provider };
    });
    return {
      flip: (former) => {
        // A stranger's entry is found before the first one of ours has moved.
        for (const { offer, provider } of checked) this.#owned(provider.key, offer);
        const registrations = checked.map(({ offer, provider }) => this.#place(offer, provider));
        // What was replaced is not the former one's to withdraw any more; what is left has no successor.
        for (const registration of former) registration.withdraw();
        return registrations;
      },
    };
  }

  #check(offer: Offer): Provider {
    checkOffer(offer);
    const provider = this.#again(offer) ?? this.#build(offer, offer.descriptor.params);
    this.#owned(provider.key, offer);
    return provider;
  }

  /** What stands here already in the same words is neither hashed nor compiled once more. */
  #again(offer: Offer): Provider | undefined {
    const { descriptor, handler, onBadAnswer, binary = [], maxBodyBytes = CONSTANTS.CALL_BODY_MAX_BYTES } = offer;
    const former = this.#registry.get(entryKey(this.#nodeId, descriptor, descriptor.params));
    if (former?.local === undefined || former.local.pluginId !== offer.plugin_id) return undefined;
    const words = (d: Offer["descriptor"], b: string[]): string => JSON.stringify([d, b]);
    if (words(descriptor, binary) !== words(former.descriptor, former.local.binary)) return undefined;
    const { key, schemaHash: hash, descriptor: same } = former;
    const local = { ...former.local, handler, maxBodyBytes, onBadAnswer };
    return new Provider({ nodeId: this.#nodeId, descriptor: same, schemaHash: hash, key, now: this.#now(), local });
  }

  #place(offer: Offer, built: Provider): Registration {
    let provider = built;
    const former = this.#owned(provider.key, offer);
    // An identical descriptor announces nothing, but the newest handler answers from now on.
    const keep = former && sameContract(former, provider) ? former : undefined;
    if (keep) Object.assign(keep.local ?? {}, provider.local);
    const mine = { handler: offer.handler };
    if (keep) provider = keep;
    else this.#registry.put(provider, former);
    return {
      update: (params) => {
        const fault = paramsFault(params);
        if (fault !== null)
          throw new HnError("bad_request", { reason: "schema_invalid", message: `The new params cannot be offered: ${fault}.` });
        if (!this.#isMine(provider, mine.handler))
          throw new HnError("not_found", { message: "This registration was already withdrawn or replaced." });
        const next = this.#build({ ...offer, descriptor: { ...offer.descriptor, params } }, params, provider);
        const other = this.#owned(next.key, offer);
        if (other && other !== provider) this.#registry.remove(other);
        this.#registry.put(next, provider);
        provider = next;
      },
      withdraw: () => {
        if (this.#isMine(provider, mine.handler)) this.#registry.remove(provider);
      },
    };
  }

  #isMine(provider: Provider, handler: Offer["handler"]): boolean {
    return this.#registry.get(provider.key) === provider && provider.local?.handler === handler;
  }

  #owned(key: string, offer: Offer): Provider | undefined {
    const former = this.#registry.get(key);
    if (former && former.local?.pluginId !== offer.plugin_id) {
      throw new HnError("bad_request", {
        reason: "namespace_violation",
        message: `"${offer.descriptor.name}" is already offered with the same params by ${former.local?.pluginId ?? "the host"}. Switch that one off first, or offer other params.`,
      });
    }
    return former;
  }

  #build(offer: Offer, params: JsonObject, former?: Provider): Provider {
    const descriptor = { ...offer.descriptor, params: structuredClone(params) };
    const next = {
      nodeId: this.#nodeId,
      descriptor,
      schemaHash: former?.schemaHash ?? schemaHash({ ...descriptor, version: formatVersion(descriptor.version) }),
      key: entryKey(this.#nodeId, descriptor, params),
      now: this.#now(),
      local: former?.local ?? this.#compileOffer(offer),
    };
    return new Provider(next, former);
  }

  #compileOffer(offer: Offer): LocalPart {
    const { request_schema, response_schema, stream_schema } = offer.descriptor;
    const paths = (offer.binary ?? []).map(parsePointer);
    const bytesIn = paths.filter((path) => path[0] === "input" || path[0] === "params");
    const bytesOut = paths.filter((path) => path[0] === "output" || path[0] === "meta");
    // A frame's pointer is /<event>/<field>; its schema sees {event, data}.
    const bytesInFrames = paths.filter((path) => !bytesIn.includes(path) && !bytesOut.includes(path));
    const bytesFrames = bytesInFrames.map((path) => ["data", ...path.slice(1)]);
    return {
      handler: offer.handler,
      request: this.#compile({ schema: request_schema, what: "request_schema", binary: bytesIn }),
      response: response_schema && this.#compile({ schema: response_schema, what: "response_schema", binary: bytesOut }),
      frames: stream_schema && this.#compile({ schema: stream_schema, what: "stream_schema", binary: bytesFrames }),
      bytesIn,
      bytesInFrames,
      binary: offer.binary ?? [],
      maxBodyBytes: offer.maxBodyBytes ?? CONSTANTS.CALL_BODY_MAX_BYTES,
      pluginId: offer.plugin_id,
      onlyHere: offer.onlyHere === true,
      onBadAnswer: offer.onBadAnswer,
    };
  }
}

function sameContract(a: Provider, b: Provider): boolean {
  return a.contract === b.contract;
}
