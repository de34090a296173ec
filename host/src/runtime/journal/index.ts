/** What survives a crash of the daemon: releases, grants, crashes, configurations, and the processes to sweep. */
export * from "./data-rows.ts";
export * from "./journal.ts";
export * from "./orphans.ts";
