import type { Job, LocalError } from "../contract/index.ts";
import { HnError, type UlidFactory } from "../foundation/index.ts";

const KEPT = 100;

/** Long work with progress and cancel. Idempotent by the client's id. @source admin-ui §3 */
export class Jobs {
  readonly #jobs: Map<string, { job: Job; abort: AbortController }> = new Map();
  readonly #byClient: Map<string, string> = new Map();
  readonly #newUlid: UlidFactory;
  readonly #changed: (job: Job) => void;

  constructor(newUlid: UlidFactory, changed: (job: Job) => void) {
    this.#newUlid = newUlid;
    this.#changed = changed;
  }

  /** Starts `work`, or finds the one that this client id started before. */
  start(
    o: { kind: Job["kind"]; subject: string; clientId: string },
    work: (report: (p: Pick<Job, "step" | "percent" | "from">) => void, signal: AbortSignal) => Promise<unknown>,
  ): Job {
    const known = this.#byClient.get(o.clientId);
    if (known !== undefined) return this.get(known);
    const abort = new AbortController();
    const job: Job = { id: this.#newUlid(), kind: o.kind, subject: o.subject, state: "running", step: "resolve", percent: 0 };
    this.#jobs.set(job.id, { job, abort });
    this.#byClient.set(o.clientId, job.id);
    this.#forgetOld();
    const report = (p: Pick<Job, "step" | "percent" | "from">): void => {
      Object.assign(job, { step: p.step, percent: Math.round(p.percent) });
      if (p.from === undefined) delete job.from;
      else job.from = p.from;
      this.#changed(job);
    };
    work(report, abort.signal).then(
      () => this.#end(job, { state: "done", step: "done", percent: 100 }),
      (error: unknown) =>
        this.#end(job, abort.signal.aborted ? { state: "cancelled" } : { state: "failed", error: HnError.from(error).toLocal() }),
    );
    return job;
  }

  /** @throws not_found */
  get(id: string): Job {
    const entry = this.#jobs.get(id);
    if (entry === undefined) throw new HnError("not_found", { message: "There is no such job; it may have ended long ago." });
    return entry.job;
  }

  list(): Job[] {
    return [...this.#jobs.values()].map((entry) => entry.job).reverse();
  }

  cancel(id: string): Job {
    const job = this.get(id);
    this.#jobs.get(id)?.abort.abort();
    return job;
  }

  #end(job: Job, change: Partial<Job> & { error?: LocalError }): void {
    delete job.from;
    Object.assign(job, change);
    this.#changed(job);
  }

  #forgetOld(): void {
    for (const [id, { job }] of this.#jobs) {
      if (this.#jobs.size <= KEPT) break;
      if (job.state !== "running") this.#jobs.delete(id);
    }
    if (this.#byClient.size <= this.#jobs.size) return;
    for (const [client, id] of this.#byClient) if (!this.#jobs.has(id)) this.#byClient.delete(client);
  }
}
