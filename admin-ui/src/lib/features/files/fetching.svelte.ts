import type { FetchLine, LocalError } from "@hearthnet/host/contract";
import { ApiError, errorOf } from "#lib/api/client.ts";

type Done = Extract<FetchLine, { event: "done" }>["data"];

/** One file on its way from other nodes. */
export class Fetching {
  running: boolean = $state(false);
  progress: { current: number; total: number } | null = $state.raw(null);
  done: Done | null = $state.raw(null);
  error: LocalError | null = $state.raw(null);
  #abort: AbortController = new AbortController();

  async start(cid: string): Promise<void> {
    if (this.running) return;
    this.#abort = new AbortController();
    this.running = true;
    this.progress = this.done = this.error = null;
    try {
      for await (const line of linesOf(cid, this.#abort.signal)) this.#take(line);
    } catch (error) {
      if (!this.#abort.signal.aborted) this.error = errorOf(error);
    }
    this.running = false;
  }

  cancel(): void {
    this.#abort.abort();
  }

  #take(line: FetchLine): void {
    if (line.event === "progress") this.progress = line.data;
    else if (line.event === "done") this.done = line.data;
    else this.error = line.data;
  }
}

/** @throws ApiError */
async function* linesOf(cid: string, signal: AbortSignal): AsyncGenerator<FetchLine, void, void> {
  const response = await fetch("/api/v1/files/fetch", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ cid }),
    signal,
  }).catch((error: unknown) => {
    throw signal.aborted ? error : new ApiError({ error: "partition", reason: "node_silent" }, 0);
  });
  if (!response.ok || response.body === null) {
    const detail = (await response.json().catch(() => null)) as LocalError | null;
    throw new ApiError(detail ?? { error: "internal_error" }, response.status);
  }
  let rest = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const lines = (rest + next.value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") yield JSON.parse(line) as FetchLine;
  }
}
