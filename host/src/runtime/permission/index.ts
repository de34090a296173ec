/** Grants: what they allow, how risky they are, whether one set lies within another. Pure functions. */
export { rating, requested, weightOf, type Right } from "../../format/index.ts";
export * from "./check.ts";
export * from "./commons.ts";
export * from "./doors.ts";
export * from "./hosts.ts";
export * from "./minimal.ts";
export * from "./modes.ts";
export * from "./op-grants.ts";
export * from "./reach.ts";
export * from "./subset.ts";
export * from "./process-shape.ts";
