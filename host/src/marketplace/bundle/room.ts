import type { BundleFacts, BundleMade, BundleOrder, Bundles, BundleWork } from "../../contract/index.ts";
import { namespaceOf } from "../../format/index.ts";
import { HnError, type UlidFactory } from "../../foundation/index.ts";
import { OneAtATime } from "../one-at-a-time.ts";
import { attach, isTarget } from "./attach.ts";
import { totalOf } from "./contents.ts";
import { makeBundle, type MakeRooms } from "./make.ts";
import type { Attached } from "./shelf.ts";

export interface BundleRooms extends MakeRooms {
  newUlid: UlidFactory;
  /** What a newer catalogue revokes ends. */
  onCatalogue: () => Promise<void>;
}

/** Bundles of one node: those that it makes, those that it has taken in. */
export class BundleRoom implements Bundles {
  readonly #o: BundleRooms;
  readonly #turns = new OneAtATime();

  constructor(rooms: BundleRooms) {
    this.#o = rooms;
  }

  list(): Promise<BundleFacts[]> {
    return Promise.all(this.#o.shelf.list().map((attached) => this.#facts(attached)));
  }

  attach(from: string | AsyncIterable<Uint8Array>, o: BundleWork = {}): Promise<BundleFacts> {
    const { newUlid, clock } = this.#o;
    return this.#turns.run(async () => {
      const rooms = { ...this.#o, now: () => clock.now() };
      const attached = await explained(() => attach(from, rooms, { ...o, opId: newUlid() }));
      await this.#o.onCatalogue();
      return this.#facts(attached);
    }, o.signal);
  }

  async detach(id: string): Promise<void> {
    if (this.#o.shelf.get(id) === undefined)
      throw new HnError("not_found", {
        message: "There is no such bundle.",
        action: "See which there are with `hearthnet bundle list`.",
      });
    this.#o.shelf.remove(id);
  }

  make(order: BundleOrder, o: BundleWork = {}): Promise<BundleMade> {
    const opId = this.#o.newUlid();
    return explained(() => makeBundle(order, this.#o, { ...o, opId }));
  }

  async #facts({ id, contents, attachment }: Attached): Promise<BundleFacts> {
    const now = this.#o.clock.now();
    return {
      id,
      created: contents.created,
      attached_at: attachment.at,
      catalogues: attachment.catalogues.map(({ registry, standing, issued }) => ({
        registry,
        standing,
        age_seconds: issued === null ? null : Math.max(0, Math.round((now - issued) / 1000)),
      })),
      plugins: await Promise.all(
        contents.plugins.map(async ({ size, ...plugin }) => ({
          ...plugin,
          size_bytes: size,
          usable: await isTarget(plugin, this.#o.registries.clientFor(namespaceOf(plugin.id))),
        })),
      ),
      assets: { files: contents.assets.length, size_bytes: contents.assets.reduce((sum, { size }) => sum + size, 0) },
      size_bytes: totalOf(contents),
    };
  }
}

/** A full disk says nothing about the bundle. @throws capacity_exceeded */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code !== "ENOSPC" && code !== "EDQUOT" && code !== "EFBIG") throw cause;
    throw new HnError("capacity_exceeded", {
      message: "There is no room for the bundle, so nothing of it was written.",
      action: "Free some space, then try again; a stick that takes no large files takes a bundle as a folder.",
      cause,
    });
  }
}
