/** What a registry publishes beside packages: names in its folder, a target's facts, search index, revocations. Written there, read by the node. */
export * from "./custom.ts";
export * from "./index-shard.ts";
export * from "./layout.ts";
export * from "./revocations.ts";
