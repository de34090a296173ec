/** Grants: what they allow, how risky they are, whether one set lies within another. Pure functions. */
export * from "./check.ts";
export * from "./rating.ts";
export * from "./scope.ts";
export * from "./subset.ts";
