import type { Cid, CidAdverts } from "./contract/index.ts";
import { HnError } from "./foundation/index.ts";

export interface AdvertWay {
  /** @returns how many contacts keep it */
  publish(cid: Cid): Promise<number>;
  withdraw(cid: Cid): void;
}

/** Which files this node says it holds, and for whom: what one of them withdraws, another may still want said. @source 06 §3 */
export class DhtAdverts {
  readonly #way: AdvertWay;
  readonly #wanted = new Map<Cid, Set<CidAdverts>>();

  constructor(way: AdvertWay) {
    this.#way = way;
  }

  /** Whatever anybody here wants said. */
  get cids(): Cid[] {
    return [...this.#wanted.keys()];
  }

  open(): CidAdverts {
    const own = new Set<Cid>();
    let isClosed = false;
    const adverts: CidAdverts = {
      get size() {
        return own.size;
      },
      has: (cid) => own.has(cid),
      offer: async (cid) => {
        if (isClosed) throw new HnError("plugin_gone");
        own.add(cid);
        this.#want(cid, adverts);
        try {
          return await this.#way.publish(cid);
        } catch (error) {
          adverts.withdraw(cid);
          throw error;
        } finally {
          // It may have been withdrawn while it was being said.
          if (!this.#wanted.has(cid)) this.#way.withdraw(cid);
        }
      },
      withdraw: (cid) => {
        if (own.delete(cid)) this.#drop(cid, adverts);
      },
      close: () => {
        isClosed = true;
        for (const cid of own) adverts.withdraw(cid);
      },
    };
    return adverts;
  }

  #want(cid: Cid, by: CidAdverts): void {
    const wanting = this.#wanted.get(cid) ?? new Set();
    wanting.add(by);
    this.#wanted.set(cid, wanting);
  }

  #drop(cid: Cid, by: CidAdverts): void {
    const wanting = this.#wanted.get(cid);
    if (wanting?.delete(by) !== true || wanting.size > 0) return;
    this.#wanted.delete(cid);
    this.#way.withdraw(cid);
  }
}
