/** `blobs.*` of every other plugin: the host has checked who asks, and checks again what comes out. @source plugin-platform §3.3 */
import type { BlobStat, BlobStore } from "@hearthnet/sdk-plugin";
import { notHere, refuse } from "../refusal.ts";
import type { Store } from "../store/index.ts";
import type { Fetching } from "../fetch/index.ts";

const META_MAX_BYTES = 65_536;

/** @param parts  asked at each call: nothing is there before the data are open */
export function blobStoreRole<C>(parts: () => { store: Store; fetching: Fetching }): BlobStore<C> {
  return {
    stat: async ({ input }) => statOf(parts().store, input.cid),
    open: async ({ input }) => {
      const { store } = parts();
      const stat = statOf(store, input.cid);
      return { stat, data: blobBytes(store, input.cid) };
    },
    put: async ({ input }, data) => {
      const { visibility, mime, meta, filename } = input;
      if (Buffer.byteLength(JSON.stringify(meta)) > META_MAX_BYTES)
        throw refuse("too_large", "What is noted beside a file has at most 64 KiB of JSON. Store it as a file of its own.");
      const facts = {
        visibility,
        origin: "put" as const,
        meta,
        ...(mime === undefined ? {} : { mime_type: mime }),
        ...(filename === undefined ? {} : { filename }),
      };
      return { cid: (await parts().store.takeIn(data, facts)).cid };
    },
    fetch: async function* ({ input, signal }) {
      return yield* parts().fetching.fetch({ cid: input.cid, sources: input.sources, priority: "normal", signal });
    },
  };
}

function statOf(store: Store, cid: string): BlobStat {
  const row = store.stat(cid, "own");
  if (row?.complete === true) {
    const { size_bytes: size, visibility, mime_type, meta, filename } = row;
    return {
      size,
      visibility,
      ...(mime_type === undefined ? {} : { mime: mime_type }),
      ...(meta === undefined ? {} : { meta }),
      ...(filename === undefined ? {} : { filename }),
    };
  }
  throw notHere();
}

/** Never more than one chunk in memory; the reader sets the pace. */
async function* blobBytes(store: Store, cid: string): AsyncGenerator<Uint8Array, void, void> {
  const manifest = await store.manifest(cid, "own");
  if (manifest === null) throw notHere();
  for (const chunk of manifest.chunks) {
    const bytes = await store.readChunk(chunk.cid, "own");
    if (bytes === null) throw notHere();
    yield bytes;
  }
}
