import type { JsonObject, LocalError, TryBody, TryEvent } from "@hearthnet/host/contract";
import { del, errorOf, post } from "#lib/api/client.ts";
import { watch } from "#lib/api/live.ts";

export type Outcome = Extract<TryEvent, { kind: "result" }> & { ms: number };

/** One call at a time from the console: frames as they come, then a result or an error. */
export class TryRun {
  running: boolean = $state(false);
  elapsedMs: number = $state(0);
  cancelled: boolean = $state(false);
  frames: { event: string; data: JsonObject }[] = $state.raw([]);
  outcome: Outcome | null = $state.raw(null);
  error: LocalError | null = $state.raw(null);
  #callId = "";
  #stop: () => void = () => {};
  #begun = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  async start(body: TryBody): Promise<void> {
    if (this.running) return;
    this.running = true;
    this.cancelled = false;
    this.frames = [];
    this.outcome = null;
    this.error = null;
    this.elapsedMs = 0;
    this.#begun = performance.now();
    this.#timer = setInterval(() => (this.elapsedMs = performance.now() - this.#begun), 100);
    try {
      const { call_id } = await post<{ call_id: string }>("/try", body);
      this.#callId = call_id;
      if (!this.running) return void del(`/try/${call_id}`);
      this.#stop = watch(`try:${call_id}`, {
        change: (message) => {
          if (message.kind !== "gap") this.#take(message.data as TryEvent);
          // The topic begins anew: the node was restarted, or kept the answer no longer. It will not come.
          else if (message.seq === 0) this.#end({ error: "partition", reason: "answer_lost" });
        },
        refused: (error) => this.#end(error),
      });
    } catch (error) {
      this.#end(errorOf(error));
    }
  }

  async cancel(): Promise<void> {
    if (!this.running) return;
    this.cancelled = true;
    const id = this.#callId;
    this.#end(null);
    if (id !== "") await del(`/try/${id}`).catch(() => {});
  }

  /** When the page is left. */
  leave(): void {
    if (this.running) void this.cancel();
  }

  #take(event: TryEvent): void {
    if (!this.running) return;
    if (event.kind === "frame") this.frames = [...this.frames, { event: event.event, data: event.data }].slice(-2000);
    else if (event.kind === "error") this.#end(event.error);
    else {
      this.outcome = { ...event, ms: performance.now() - this.#begun };
      this.#end(null);
    }
  }

  #end(error: LocalError | null): void {
    this.error = error;
    this.running = false;
    this.elapsedMs = performance.now() - this.#begun;
    clearInterval(this.#timer);
    this.#stop();
    this.#stop = () => {};
    this.#callId = "";
  }
}
