/** Child processes for work on untrusted bytes: a second sandbox without data, grants or bus. @source plugin-platform §4.4 */
import type { Clock, JsonObject, JsonValue, WorkerDeclaration } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Attachments } from "../../format/index.ts";
import { cpuMs, type Launcher, type SandboxSpec } from "../confine/index.ts";
import { CpuLimit } from "./cpu-limit.ts";
import { HeldWorker } from "./held-worker.ts";
import { ConfinedProcess, type ConfinedProcessOptions, type Incoming, type ProcessEnd } from "./confined-process.ts";

export interface Work {
  msg: JsonObject;
  bytes: Uint8Array[];
  signal: AbortSignal;
  onProgress?: (data: JsonObject) => void;
}

export interface WorkResult {
  json: JsonValue;
  bytes: Uint8Array[];
}

export interface WorkerPoolOptions {
  launcher: Launcher;
  /** Package and assets, no data; memory and processes of the declaration. */
  spec: SandboxSpec;
  declaration: WorkerDeclaration;
  /** Most workers at a time when the declaration names none. */
  cores: number;
  clock: Clock;
  onLine: ConfinedProcessOptions["onLine"];
  logBudget: ConfinedProcessOptions["logBudget"];
}

interface Job extends Work {
  resolve: (result: WorkResult) => void;
  reject: (error: unknown) => void;
  release: () => void;
}

interface Worker {
  process: ConfinedProcess;
  /** Null while idle or starting. */
  job: { id: number; job: Job; stop: () => void } | null;
  ready: boolean;
  /** Its messages come from whoever holds it alone. */
  held: boolean;
  idleSince: number;
}

const START_MS = 20_000;
const IDLE_MS = 30_000;
const QUEUE_MAX = 256;
const FAILED_STARTS_MAX = 3;

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #max: number;
  readonly #warm: number;
  readonly #workers = new Set<Worker>();
  #queue: Job[] = [];
  #failedStarts = 0;
  #closed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#max = Math.max(1, Math.min(options.declaration.max ?? options.cores, 64));
    this.#warm = Math.min(options.declaration.warm ?? 0, this.#max);
    for (let n = 0; n < this.#warm; n += 1) this.#start();
  }

  /** Running processes: for meters and tests. */
  get size(): number {
    return this.#workers.size;
  }

  /** Memory and processes of all workers together. */
  usage(): { rssMb: number; cpuPercent: number; pids: number } {
    const total = { rssMb: 0, cpuPercent: 0, pids: 0 };
    for (const { process } of this.#workers) {
      total.rssMb += process.usage.rssMb;
      total.cpuPercent += process.usage.cpuPercent;
      total.pids += process.usage.pids;
    }
    return total;
  }

  /**
   * Hands one message to a free worker, or waits for one. Aborting ends the worker's process at once.
   * @throws capacity_exceeded reason slots_full | over_quota · timeout · internal_error reason worker_crashed · what the worker itself reports · AbortError
   */
  run(work: Work): Promise<WorkResult> {
    if (this.#closed) return Promise.reject(new HnError("plugin_gone"));
    if (work.signal.aborted) return Promise.reject(abortError(work.signal));
    if (this.#queue.length >= QUEUE_MAX)
      return Promise.reject(new HnError("capacity_exceeded", { reason: "slots_full", retryAfterMs: 1000 }));
    return this.#jobOf(work, (job) => {
      this.#queue.push(job);
      this.#assign();
    });
  }

  /**
   * A worker of one's own: one process for one message after the other, so that it can keep what it has learnt. It counts among the most that run.
   * @throws capacity_exceeded reason slots_full · internal_error reason worker_crashed · plugin_gone
   */
  async hold(): Promise<HeldWorker> {
    if (this.#closed) throw new HnError("plugin_gone");
    const idle = [...this.#workers].find(({ ready, job, held }) => ready && job === null && !held);
    const worker = idle ?? (this.#workers.size < this.#max ? this.#start() : undefined);
    if (worker === undefined) throw new HnError("capacity_exceeded", { reason: "slots_full", retryAfterMs: 1000 });
    worker.held = true;
    try {
      await worker.process.ready;
    } catch (cause) {
      throw new HnError("internal_error", { reason: "worker_crashed", message: "The worker does not start.", cause });
    }
    // Who waits warm is one less now.
    this.#refill();
    return new HeldWorker({
      ended: worker.process.ended.then(() => {}),
      give: (work) => this.#runHeld(worker, work),
      end: () => this.#release(worker),
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#queue.splice(0)) this.#settle(job, new HnError("plugin_gone"));
    await Promise.all(
      [...this.#workers].map((worker) => {
        worker.process.kill("stopped", "The plugin was stopped.");
        return worker.process.ended;
      }),
    );
  }

  #assign(): void {
    for (const worker of this.#workers) {
      if (this.#queue.length === 0) return;
      if (worker.ready && worker.job === null && !worker.held) this.#give(worker, this.#queue.shift());
    }
    const starting = [...this.#workers].filter(({ ready }) => !ready).length;
    for (let needed = this.#queue.length - starting; needed > 0 && this.#workers.size < this.#max; needed -= 1) {
      if (this.#start() === undefined) break;
    }
  }

  #runHeld(worker: Worker, work: Work): Promise<WorkResult> {
    if (work.signal.aborted) return Promise.reject(abortError(work.signal));
    if (!this.#workers.has(worker) || this.#closed)
      return Promise.reject(new HnError("plugin_gone", { reason: "worker_closed" }));
    return this.#jobOf(work, (job) => this.#give(worker, job));
  }

  /** What it knows is nobody else's to use, so it ends. */
  #release(worker: Worker): void {
    if (!this.#workers.has(worker)) return;
    this.#end(worker, new HnError("plugin_gone", { reason: "worker_closed" }));
  }

  #jobOf(work: Work, begin: (job: Job) => void): Promise<WorkResult> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#abort(job);
      const job: Job = { ...work, resolve, reject, release: () => work.signal.removeEventListener("abort", onAbort) };
      work.signal.addEventListener("abort", onAbort, { once: true });
      begin(job);
    });
  }

  #give(worker: Worker, job: Job | undefined): void {
    if (job === undefined) return;
    const { channel } = worker.process;
    const id = channel.nextId();
    const wall = this.#options.clock.setTimeout(
      () => this.#end(worker, new HnError("timeout", { message: "The work took longer than the plugin allows itself." })),
      this.#options.declaration.limits.wallMs,
    );
    const cpu = this.#limitCpu(worker);
    worker.job = {
      id,
      job,
      stop: () => {
        wall.cancel();
        cpu?.stop();
      },
    };
    const attachments = Object.fromEntries(job.bytes.map((bytes, index) => [`/bytes/${index}`, bytes]));
    channel.send({ t: "work", id, msg: job.msg }, attachments).catch(() => {});
  }

  /** What its process has used before, for its start and for other messages, does not count. */
  #limitCpu(worker: Worker): CpuLimit | undefined {
    const { clock, cores, declaration } = this.#options;
    const { cpuSeconds } = declaration.limits;
    if (cpuSeconds === undefined) return undefined;
    const { launched } = worker.process;
    return new CpuLimit({
      clock,
      used: () => cpuMs(launched.tree()),
      limitMs: cpuSeconds * 1000,
      cores,
      onOver: () => this.#end(worker, new HnError("timeout", { reason: "worker_cpu", message: overCpu(cpuSeconds) })),
    });
  }

  /** @returns undefined when it does not start */
  #start(): Worker | undefined {
    if (this.#closed || this.#failedStarts >= FAILED_STARTS_MAX) {
      if (this.#workers.size === 0) this.#refuseAll();
      return undefined;
    }
    const { launcher, spec, declaration, clock, onLine, logBudget } = this.#options;
    const worker: Worker = {
      process: undefined as unknown as ConfinedProcess,
      job: null,
      ready: false,
      held: false,
      idleSince: 0,
    };
    try {
      worker.process = new ConfinedProcess({
        launcher,
        spec: { ...spec, worker: declaration.name },
        clock,
        limits: { startTimeoutMs: START_MS, memoryMb: declaration.limits.memoryMb, maxBlockMs: 0, pids: spec.pids },
        logBudget,
        pings: false,
        init: ({ paths }) => ({
          t: "worker.init",
          entry: `${paths.packageDir}/${declaration.entry ?? ""}`,
          assetsDir: paths.assetsDir,
        }),
        onMessage: (message, attachments) => this.#receive(worker, message, attachments),
        onLine,
        onEnd: (end) => this.#ended(worker, end),
      });
    } catch (error) {
      this.#failedStarts += 1;
      onLine({ source: "stderr", level: "error", text: `A worker could not be started: ${String(error)}` });
      if (this.#workers.size === 0) this.#refuseAll();
      return undefined;
    }
    this.#workers.add(worker);
    worker.process.ready.then(
      () => {
        worker.ready = true;
        this.#failedStarts = 0;
        this.#becomeIdle(worker);
      },
      () => (this.#failedStarts += worker.ready ? 0 : 1),
    );
    return worker;
  }

  #becomeIdle(worker: Worker): void {
    const { clock } = this.#options;
    worker.idleSince = clock.monotonic();
    this.#assign();
    if (worker.job !== null || worker.held) return;
    clock.setTimeout(() => {
      const idle = !worker.held && worker.job === null && clock.monotonic() - worker.idleSince >= IDLE_MS;
      if (idle && this.#workers.size > this.#warm) worker.process.kill("stopped", "It was not needed any more.");
    }, IDLE_MS);
  }

  #receive(worker: Worker, message: Incoming, attachments: Attachments): void {
    const { job } = worker;
    const current = job !== null && "id" in message && message.id === job.id ? job : null;
    if (message.t === "progress" && current !== null) return current.job.onProgress?.(message.data);
    if (current === null || (message.t !== "work.ok" && message.t !== "error")) {
      throw new HnError("plugin_gone", { reason: "protocol_error", message: `A worker sent an unexpected ${message.t}.` });
    }
    current.stop();
    worker.job = null;
    if (message.t === "work.ok") {
      this.#settle(current.job, { json: message.json, bytes: [...attachments.values()] });
    } else {
      this.#settle(current.job, fromPlugin(message));
    }
    this.#becomeIdle(worker);
  }

  #abort(job: Job): void {
    const worker = [...this.#workers].find((candidate) => candidate.job?.job === job);
    if (worker === undefined) {
      this.#queue = this.#queue.filter((waiting) => waiting !== job);
      this.#settle(job, abortError(job.signal));
      return;
    }
    this.#end(worker, abortError(job.signal));
  }

  /** Answers the worker's job and ends its process: what it was doing cannot be stopped otherwise. */
  #end(worker: Worker, error: unknown): void {
    const { job } = worker;
    worker.job = null;
    worker.ready = false;
    this.#workers.delete(worker);
    worker.process.kill("killed", "Its work was cancelled.");
    if (job !== null) {
      job.stop();
      this.#settle(job.job, error);
    }
    this.#refill();
  }

  #ended(worker: Worker, end: ProcessEnd): void {
    this.#workers.delete(worker);
    const { job } = worker;
    worker.job = null;
    if (job !== null) {
      job.stop();
      this.#settle(job.job, crashError(end));
    }
    if (end.cause !== "stopped" && end.cause !== "killed") {
      this.#options.onLine({
        source: "stderr",
        level: "warn",
        text: `The worker ${this.#options.declaration.name} ended. ${end.detail}`,
      });
    }
    // `ready` settles its failure count first.
    queueMicrotask(() => this.#refill());
  }

  #refill(): void {
    if (this.#closed) return;
    this.#assign();
    const isFree = ({ held }: Worker): boolean => !held;
    while (
      this.#workers.size < this.#max &&
      [...this.#workers].filter(isFree).length < this.#warm &&
      this.#start() !== undefined
    );
  }

  #refuseAll(): void {
    for (const job of this.#queue.splice(0)) {
      this.#settle(job, new HnError("internal_error", { reason: "worker_crashed", message: "The worker does not start." }));
    }
    // The next message may try again.
    this.#failedStarts = 0;
  }

  #settle(job: Job, outcome: unknown): void {
    job.release();
    if (typeof outcome === "object" && outcome !== null && "json" in outcome) job.resolve(outcome as WorkResult);
    else job.reject(outcome);
  }
}

export function overCpu(seconds: number): string {
  return `The work used up ${seconds} s of processor time, which is all that the plugin allows itself for one message.`;
}

export function crashError(end: ProcessEnd): HnError {
  if (end.cause === "over_quota") {
    return new HnError("capacity_exceeded", {
      reason: "over_quota",
      message: "The work needed more memory than the plugin may use.",
      action: "Send something smaller, or raise the plugin's memory limit.",
    });
  }
  return end.cause === "stopped" ? new HnError("plugin_gone") : new HnError("internal_error", { reason: "worker_crashed" });
}

export function abortError(signal: AbortSignal): unknown {
  return signal.reason ?? new DOMException("The work was cancelled.", "AbortError");
}

/** An error as a plugin or worker reports it; codes that are not in the table become `internal_error`. */
export function fromPlugin(error: { error: string; message?: string; reason?: string; retry_after_ms?: number }): HnError {
  return HnError.fromLocal({
    error: error.error as HnError["code"],
    ...(typeof error.message === "string" ? { message: error.message.slice(0, 1024) } : {}),
    ...(typeof error.reason === "string" ? { reason: error.reason.slice(0, 64) } : {}),
    ...(typeof error.retry_after_ms === "number" ? { retry_after_ms: error.retry_after_ms } : {}),
  });
}
