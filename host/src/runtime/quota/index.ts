/** What plugins may use, and what they do use. @source plugin-platform §7 */
export { MeterRings } from "./meter-rings.ts";
export { CALLS_OUT_PER_MINUTE, CallBudget } from "./call-budget.ts";
