/** A plugin's data on disk: what goes through it, which folder belongs to which release, how much there is. */
export * from "./lendable.ts";
export * from "./mounts.ts";
export * from "./trees.ts";
export * from "./disk-watch.ts";
export * from "./folders.ts";
