import type { Cancellation, DispatchedCall, Reply } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Session } from "../broker/index.ts";

/** A failure after which work without a lasting effect may be done once more. @source 03 B-8 */
const ONCE_MORE = new Set<string>(["internal_error", "plugin_gone"]);

/**
 * What the newer release cannot do, the former one still can.
 * @param old  undefined: it does not run any more
 */
export async function onceMore(
  newer: Session,
  old: Session | undefined,
  { ref, call, cancellation }: { ref: string; call: DispatchedCall; cancellation: Cancellation },
): Promise<Reply> {
  try {
    return (await newer.dispatch(ref, call, cancellation)) as Reply;
  } catch (error) {
    const may = ONCE_MORE.has(HnError.from(error).code) && !cancellation.aborted;
    if (!may || old === undefined || !old.capabilities.refs.includes(ref)) throw error;
    return (await old.dispatch(ref, call, cancellation)) as Reply;
  }
}
