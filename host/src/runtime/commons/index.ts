/** What plugins share: the log and the views that follow from it, topics, roles. @source plugin-platform §2.4, §3.3 */
export * from "./availability.ts";
export * from "./commons.ts";
export * from "./shared-store.ts";
export * from "./topic-feed.ts";
export * from "./view-feed.ts";
export * from "./view-feeds.ts";
