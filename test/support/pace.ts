/** The time between two steps of a load on real processes. Nothing is waited for by it: that is what `until` is for. */
export { setTimeout as pause } from "node:timers/promises";
