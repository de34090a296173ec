/** What survives a crash of the daemon: releases, grants, crashes, configurations, and the processes to sweep; trial runs and roles. */
export * from "./data-rows.ts";
export * from "./journal.ts";
export * from "./orphans.ts";
export type { TrialRow, TrialUse } from "./trial-rows.ts";
