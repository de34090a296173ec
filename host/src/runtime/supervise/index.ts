/** Keeps plugins running, and leaves alone those that cannot be kept. */
export * from "./environment.ts";
export * from "./managed-plugin.ts";
export * from "./policy.ts";
export * from "./schedules.ts";
export * from "./specs.ts";
