/** One release follows another: beside it where both may run, watched for a while, and back when it is worse. */
export * from "./canary.ts";
export * from "./choose.ts";
export * from "./fence.ts";
export * from "./grants-back.ts";
export * from "./once-more.ts";
export * from "./probe.ts";
export * from "./regression.ts";
export * from "./replacement.ts";
export * from "./return.ts";
export * from "./succession.ts";
export * from "./upgrades.ts";
export * from "./way.ts";
