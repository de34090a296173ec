import type { PluginOp } from "../../contract/index.ts";
import type { OpCall } from "./scope.ts";

/** Asks the check first, then does the work; bytes may stand anywhere in the answer. */
export type OpHandler = (op: OpCall) => unknown;
/** Ops that belong together, by what their names begin with; all families make the one table in `ops.ts`. */
export type OpFamily<Area extends string> = Record<Extract<PluginOp, Area | `${Area}.${string}`>, OpHandler>;
