/** Processes behind fd 3: start, watch, drain, end; pools of workers. */
export * from "./confined-process.ts";
export { HeldWorker } from "./held-worker.ts";
export { ProgramPool, type ProgramPoolOptions } from "./program-pool.ts";
export * from "./log-budget.ts";
export * from "./log-lines.ts";
export * from "./meter.ts";
export * from "./worker-pool.ts";
