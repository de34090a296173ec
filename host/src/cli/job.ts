import { setTimeout as delay } from "node:timers/promises";
import type { Job, PluginDetail } from "../contract/index.ts";
import { HnError } from "../foundation/index.ts";
import type { Invocation } from "./command.ts";
import { pathOf } from "./plugin-path.ts";

const LOOK_MS = 100;

/** Shows how a job goes on, and what became of its plugin. @throws what it failed with */
export async function finished({ client, io, json }: Invocation, jobId: string, pluginId: string): Promise<PluginDetail> {
  const api = client();
  let shown = "";
  for (;;) {
    const job = await api.get<Job>(`/jobs/${jobId}`);
    const line = `${job.step} ${job.percent} %${job.from === undefined ? "" : `, from ${job.from}'s node`}`;
    if (!json && job.state === "running" && line !== shown) io.err((shown = line));
    if (job.state === "failed" && job.error !== undefined) throw HnError.fromLocal(job.error);
    if (job.state === "cancelled") throw new HnError("bad_request", { message: "It was cancelled before it was done." });
    if (job.state === "done") return api.get<PluginDetail>(`/plugins/${pathOf(pluginId)}`);
    await delay(LOOK_MS);
  }
}
