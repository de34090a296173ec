/** What one life of one plugin has asked of the DHT, and has this node say there. @source 06 §7 */
import type { CidAdverts, Clock, PluginDht } from "../../contract/index.ts";
import { HnError, TokenBucket } from "../../foundation/index.ts";

/** Each asks up to 64 nodes. */
export const LOOKUPS_PER_MINUTE = 60;
/** Each asks as many, and is then kept by twenty of them. */
export const ADVERTS_PER_MINUTE = 60;
/** Each is said anew every twenty minutes as long as it holds. */
export const ADVERTS_MAX = 256;

export class DhtDesk {
  readonly #dht: PluginDht | null;
  readonly #clock: Clock;
  readonly #lookups: TokenBucket;
  readonly #adverts: TokenBucket;
  #own: CidAdverts | undefined;

  /** @param dht  null where the node takes no part in it */
  constructor(dht: PluginDht | null, clock: Clock) {
    this.#dht = dht;
    this.#clock = clock;
    this.#lookups = perMinute(LOOKUPS_PER_MINUTE, clock);
    this.#adverts = perMinute(ADVERTS_PER_MINUTE, clock);
    this.#own = dht?.openAdverts();
  }

  /** For one lookup. @throws not_implemented reason dht_off · rate_limited */
  asked(): PluginDht {
    if (this.#dht === null) throw new HnError("not_implemented", { reason: "dht_off" });
    this.#take(this.#lookups);
    return this.#dht;
  }

  /** @throws not_implemented reason dht_off | dht_adverts_off */
  adverts(): CidAdverts {
    if (this.#dht === null || this.#own === undefined) throw new HnError("not_implemented", { reason: "dht_off" });
    if (!this.#dht.advertises) throw new HnError("not_implemented", { reason: "dht_adverts_off" });
    return this.#own;
  }

  /** For one advert. @throws rate_limited */
  pace(): void {
    this.#take(this.#adverts);
  }

  /** Nothing that it wanted said is said any more. It may begin anew. */
  retract(): void {
    this.#own?.close();
    this.#own = this.#dht?.openAdverts();
  }

  close(): void {
    this.#own?.close();
  }

  #take(bucket: TokenBucket): void {
    const wait = bucket.take(this.#clock.monotonic());
    if (wait > 0) throw new HnError("rate_limited", { retryAfterMs: wait });
  }
}

function perMinute(count: number, clock: Clock): TokenBucket {
  return new TokenBucket({ perSecond: count / 60, capacity: count, now: clock.monotonic() });
}
