/** The store. Other rooms of the plugin import it through this file alone. */
export { openStore, type OpenedStore, type OpenStoreOptions } from "./open.ts";
export type { BlobFacts, BlobRow, Browsed, Incoming, Origin, Store, Viewer } from "./types.ts";
