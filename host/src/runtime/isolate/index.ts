/** Small plugins of one publisher side by side in one confined process. */
export * from "./engine.ts";
export * from "./hosts.ts";
export * from "./tier.ts";
