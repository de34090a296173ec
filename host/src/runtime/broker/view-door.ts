/** Asks a plugin's process for the steps of its views. @source plugin-platform §2.4 */
import { HnError } from "../../foundation/index.ts";
import type { ViewDoor } from "../commons/index.ts";
import type { Questions } from "./questions.ts";

const STEP_MS = 30_000;

export function openViewDoor(questions: Questions): ViewDoor {
  return {
    reset: async (view) => void (await questions.ask((id) => ({ t: "event", id, view, step: "reset" }), STEP_MS)),
    async restore(view, state) {
      const attachments = { "/state": state };
      await questions.ask((id) => ({ t: "event", id, view, step: "restore", state: null }), STEP_MS, attachments);
    },
    async apply(view, events, cursor) {
      const answer = await questions.ask((id) => ({ t: "event", id, view, step: "apply", events, cursor }), STEP_MS);
      const { cursor: acknowledged, faults } = Object(answer) as { cursor?: unknown; faults?: unknown };
      if (acknowledged !== cursor || typeof faults !== "number")
        throw new HnError("internal_error", { message: "It did not acknowledge the events that it was given." });
      return faults;
    },
    async snapshot(view) {
      const state: unknown = await questions.ask((id) => ({ t: "event", id, view, step: "snapshot" }), STEP_MS);
      if (!(state instanceof Uint8Array)) throw new HnError("internal_error", { message: "Its snapshot came without bytes." });
      return state;
    },
  };
}
