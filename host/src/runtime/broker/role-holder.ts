/** A running plugin as the holder of a role. @source plugin-platform §3.3 */
import type { Frame, JsonObject, Reply } from "../../contract/index.ts";
import { LateSignal } from "../../foundation/index.ts";
import type { RoleCall, RoleHolder } from "../commons/index.ts";
import type { HandedCall } from "./question.ts";
import type { Session } from "./session.ts";

export function roleHolder(pluginId: string, session: Session): RoleHolder {
  return {
    pluginId,
    async ask(role, call) {
      const { output } = (await session.role(handed(role, call, false), cancellation(call))) as Reply;
      return output;
    },
    async *stream(role, call): AsyncGenerator<Frame, JsonObject, void> {
      return yield* session.role(handed(role, call, true), cancellation(call)) as AsyncGenerator<Frame, JsonObject, void>;
    },
  };
}

function handed(role: string, call: RoleCall, stream: boolean): HandedCall {
  const { method, input, caller, traceId, deadline, frames } = call;
  return {
    role: { name: role, method },
    capability: role,
    version: [1, 0],
    body: { params: {}, input },
    caller,
    traceId,
    requestId: traceId,
    deadline,
    stream,
    hops: 0,
    ...(frames === undefined ? {} : { frames }),
  };
}

function cancellation({ signal }: RoleCall): LateSignal {
  const late = new LateSignal();
  if (signal.aborted) late.abort(signal.reason);
  else signal.addEventListener("abort", () => late.abort(signal.reason), { once: true });
  return late;
}
