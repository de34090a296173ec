/** Steps of views, as the host asks for them. @source plugin-platform §2.4; 04 §5 */
import type { HostMessage, JsonValue } from "@hearthnet/host/contract";
import type { Attachments } from "@hearthnet/host/format";
import type { View } from "../commons.ts";
import type { PluginDefinition } from "../definition.ts";
import { stackOf } from "./failure.ts";

type Step = Extract<HostMessage, { t: "event" }>;

/**
 * @param onFault  what `apply` threw for an event; the event then has no effect, and the host learns how many there were
 * @returns the answer, which may hold bytes
 */
export async function viewStep(
  definition: PluginDefinition,
  o: { message: Step; attachments: Attachments; onFault: (detail: string) => void },
): Promise<unknown> {
  const { message, attachments, onFault } = o;
  const view: View | undefined = Object.hasOwn(definition.views ?? {}, message.view)
    ? definition.views?.[message.view]
    : undefined;
  if (view === undefined) throw new Error(`There is no view ${message.view}.`);
  switch (message.step) {
    case "reset":
      await view.reset();
      return null;
    case "restore":
      await view.restoreState(JSON.parse(new TextDecoder().decode(attachments.get("/state"))) as JsonValue);
      return null;
    case "snapshot":
      return new TextEncoder().encode(JSON.stringify(view.snapshotState()));
    case "apply": {
      let faults = 0;
      for (const { event, level } of message.events) {
        try {
          await view.apply(event, level);
        } catch (error) {
          faults += 1;
          onFault(`The view ${message.view} threw for an event of the type ${event.event_type}: ${stackOf(error)}`);
        }
      }
      return { cursor: message.cursor, faults };
    }
  }
}
