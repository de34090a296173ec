/**
 * Room `contract`, floor 0: what rooms tell each other. Types and tables only, no logic.
 *
 * @example
 * import { ERRORS, type Event } from "../contract/index.ts";
 * ERRORS.partition.status; // 503
 */
export * from "./admin.ts";
export * from "./bundles.ts";
export * from "./bus.ts";
export * from "./commons.ts";
export * from "./confinement.ts";
export * from "./constants.ts";
export * from "./doors.ts";
export * from "./dht.ts";
export * from "./dev.ts";
export * from "./errors.ts";
export * from "./fd3.ts";
export * from "./files.ts";
export * from "./health.ts";
export * from "./health-texts.ts";
export * from "./ids.ts";
export * from "./isolate.ts";
export * from "./ledger.ts";
export * from "./packages.ts";
export * from "./panel.ts";
export * from "./permissions.ts";
export * from "./plugin.ts";
export * from "./ports.ts";
export * from "./reasons.ts";
export * from "./rights.ts";
export * from "./services.ts";
export * from "./tokens.ts";
export * from "./wire.ts";
