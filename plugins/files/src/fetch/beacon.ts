/** Has the node say in the DHT which public blobs are here. What it cannot say costs a line in the log, and nothing else. @source 30 §5.5, 06 H-8 */
import { HnError } from "@hearthnet/sdk-plugin";
import type { BlobRow } from "../store/index.ts";
import type { Outward } from "./outward.ts";

/** As many as the host takes of one plugin. */
const SAID_MAX = 256;

export class Beacon {
  readonly #o: Outward;
  /** What the host has taken in this life; it withdraws all of it when the plugin ends or its right is taken. */
  readonly #said = new Set<string>();
  /** The node's owner has not switched it on, which they cannot do before this plugin is started anew. */
  #isOff = false;
  #going: Promise<void> | null = null;
  #again = false;

  constructor(outward: Outward) {
    this.#o = outward;
    outward.ctx.grants.on(() => this.#said.clear());
    outward.store.on(() => void this.settle());
  }

  /** Says what is not said yet, and withdraws what is public no more. Resolves when that is done; never rejects. */
  settle(): Promise<void> {
    this.#again = true;
    return (this.#going ??= this.#settle().finally(() => (this.#going = null)));
  }

  async #settle(): Promise<void> {
    while (this.#again && !this.#isOff && !this.#o.ctx.signal.aborted) {
      this.#again = false;
      if (!this.#o.ctx.grants.has("dht.advertise")) return;
      const wanted = this.#wanted();
      for (const cid of this.#said) if (!wanted.has(cid)) await this.#step(cid, "withdrawn");
      for (const cid of wanted) {
        if (this.#said.has(cid)) continue;
        // It may have been shared with fewer people while others were said.
        if (this.#o.store.stat(cid, "federated")?.complete === true && !(await this.#step(cid, "said"))) break;
      }
    }
  }

  /** Pinned ones first, then what has come last. */
  #wanted(): Set<string> {
    const rank = (one: BlobRow, other: BlobRow): number =>
      Number(other.pinned) - Number(one.pinned) || other.created_at - one.created_at;
    const isPublic = ({ visibility }: BlobRow): boolean => visibility === "public";
    const rows = this.#o.store.shared().filter(isPublic).toSorted(rank);
    return new Set(rows.slice(0, SAID_MAX).map(({ cid }) => cid));
  }

  /** @returns whether the next one is worth trying */
  async #step(cid: string, what: "said" | "withdrawn"): Promise<boolean> {
    const { dht, log } = this.#o.ctx;
    try {
      if (what === "said") {
        this.#said.add(cid);
        await dht.advertiseCid(cid);
      } else {
        this.#said.delete(cid);
        await dht.withdrawCid(cid);
      }
      return true;
    } catch (error) {
      this.#said.delete(cid);
      const { code, reason } = HnError.isHnError(error) ? error : { code: String(error), reason: undefined };
      this.#isOff = reason === "dht_off" || reason === "dht_adverts_off";
      log.debug(`A public file was not ${what} in the DHT.`, { cid, why: reason ?? code });
      return reason === "dht_not_public";
    }
  }
}
