import type { Source } from "../source/source.ts";
import type { BundleShelf } from "./shelf.ts";

/**
 * A registry's source, and behind it the bundles that lie here: asked for packages and assets alone, and only when the source has nothing. Signed
 * lists of a bundle were judged and kept when it was attached.
 * @source marketplace §5.4
 */
export function withBundles(source: Source, shelf: BundleShelf): Source {
  return {
    async open(key, signal) {
      try {
        return await source.open(key, signal);
      } catch (error) {
        signal?.throwIfAborted();
        const found = shelf.open(key, signal);
        if (found === undefined) throw error;
        return found;
      }
    },
    close: () => source.close(),
  };
}
