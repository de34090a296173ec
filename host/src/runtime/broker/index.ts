/** Stands between a plugin and everything it wishes for: its calls, its ops, its offers. */
export * from "./bus-ops.ts";
export * from "./capabilities.ts";
export * from "./doors.ts";
export * from "./kv.ts";
export * from "./live-calls.ts";
export * from "./op-desk.ts";
export * from "./ops.ts";
export { fileKeeper } from "./file-keeper.ts";
export { roleHolder } from "./role-holder.ts";
export * from "./question.ts";
export * from "./scope.ts";
export * from "./session.ts";
export type { Guard, Outcomes, SessionOptions } from "./session-options.ts";
export { openViewDoor } from "./view-door.ts";
export { Wishes } from "./wishes.ts";
