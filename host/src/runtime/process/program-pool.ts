/** Programs of a plugin's package or assets: one process for each message, bytes on its standard input, bytes from its standard output. @source plugin-platform §4.4 */
import type { JsonObject, WorkerDeclaration } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { ExitFacts, Launched, ProgramFile, SandboxSpec } from "../confine/index.ts";
import { readLines } from "./log-lines.ts";
import { Meter } from "./meter.ts";
import { abortError, overCpu, type Work, type WorkerPoolOptions, type WorkResult } from "./worker-pool.ts";

const QUEUE_MAX = 256;
const OUTPUT_MAX_BYTES = 16_777_216;
const ARGS_MAX = 64;
const ARGS_MAX_BYTES = 32_768;
/** What a shell reports for a process that a signal has ended, and for one that used up its processor time. */
const BY_SIGNAL = 128;
const OUT_OF_TIME = new Set([152, 137]);

type Program = NonNullable<SandboxSpec["program"]>;

export interface ProgramPoolOptions extends WorkerPoolOptions {
  /** The executable copy of a program that came as an asset, and its place below `/assets`; undefined for one of the package. */
  program: () => Promise<{ file: ProgramFile; path: string } | undefined>;
}

interface Run {
  launched: Launched;
  meter: Meter;
}

export class ProgramPool {
  readonly #options: ProgramPoolOptions;
  readonly #max: number;
  readonly #runs = new Set<Run>();
  readonly #waiting: (() => void)[] = [];
  #taken = 0;
  #closed = false;

  constructor(options: ProgramPoolOptions) {
    this.#options = options;
    this.#max = Math.max(1, Math.min(options.declaration.max ?? options.cores, 64));
  }

  /** Running processes. */
  get size(): number {
    return this.#runs.size;
  }

  usage(): { rssMb: number; cpuPercent: number; pids: number } {
    const all = [...this.#runs].map(({ meter }) => meter.usage);
    const sum = (of: "rssMb" | "cpuPercent" | "pids"): number => all.reduce((total, usage) => total + usage[of], 0);
    return { rssMb: sum("rssMb"), cpuPercent: sum("cpuPercent"), pids: sum("pids") };
  }

  /**
   * Runs the program once: `msg.args` behind the declared ones, at most one piece of bytes as its input. Whatever it ends with below 128 is an answer.
   * @returns `json` `{code}`, `bytes` what it has written
   * @throws bad_request · capacity_exceeded reason slots_full | over_quota · timeout · internal_error reason worker_crashed · AbortError ·
   *   not_implemented program_changed | program_absent | program_platform
   */
  async run(work: Work): Promise<WorkResult> {
    const args = [...(this.#options.declaration.exec?.args ?? []), ...readArguments(work.msg)];
    if (work.bytes.length > 1)
      throw new HnError("bad_request", { message: "A program reads one piece of bytes; join them, or run it once for each." });
    await this.#place(work.signal);
    try {
      const found = await this.#options.program();
      this.#checkWanted(work.signal);
      return await this.#once(work, this.#program(found, args));
    } catch (error) {
      // Whoever owns the node hears of it, whatever the plugin makes of its refusal.
      const { reason, message } = HnError.from(error);
      if (reason?.startsWith("program_")) this.#options.onLine({ source: "host", level: "error", text: message });
      throw error;
    } finally {
      this.#taken -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** @throws bad_request: it ends with its answer */
  hold(): Promise<never> {
    const message = "This worker is a program: it is started for each message and cannot be held open.";
    return Promise.reject(new HnError("bad_request", { message, action: "Use `ctx.workers.run`." }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const wake of this.#waiting.splice(0)) wake();
    await Promise.all(
      [...this.#runs].map(({ launched }) => {
        launched.kill();
        return launched.exited;
      }),
    );
  }

  async #place(signal: AbortSignal): Promise<void> {
    while (this.#taken >= this.#max && !this.#closed) {
      if (this.#waiting.length >= QUEUE_MAX) throw new HnError("capacity_exceeded", { reason: "slots_full", retryAfterMs: 1000 });
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      const at = this.#waiting.indexOf(resolve);
      if (at >= 0) this.#waiting.splice(at, 1);
      if (signal.aborted) break;
    }
    this.#checkWanted(signal);
    this.#taken += 1;
  }

  /** @throws plugin_gone · AbortError */
  #checkWanted(signal: AbortSignal): void {
    if (this.#closed) throw new HnError("plugin_gone");
    if (signal.aborted) throw abortError(signal);
  }

  /** What the file is now is looked at in the turn in which it is bound. */
  #program(found: Awaited<ReturnType<ProgramPoolOptions["program"]>>, args: readonly string[]): Program {
    const { exec, limits } = this.#options.declaration;
    const { cpuSeconds } = limits;
    const common = { args, ...(cpuSeconds === undefined ? {} : { cpuSeconds }) };
    return found === undefined
      ? { ...common, path: exec?.path ?? "" }
      : { ...common, path: found.path, copy: found.file.place() };
  }

  async #once({ bytes, signal }: Work, program: Program): Promise<WorkResult> {
    const { launcher, spec, declaration, clock, onLine, logBudget } = this.#options;
    const { memoryMb, wallMs } = declaration.limits;
    const launched = launcher.launch({ ...spec, worker: declaration.name, program });
    const stopped = new AbortController();
    const end = (error: unknown): void => {
      // The first reason counts.
      stopped.abort(error);
      launched.kill();
    };
    const meter = new Meter({
      clock,
      tree: () => launched.tree(),
      memoryMb,
      pids: spec.pids,
      onOverMemory: () => end(tooLarge("It needed more memory than the plugin may use.")),
      onOverPids: () => end(tooLarge("It started more processes than the plugin may have.")),
    });
    const run = { launched, meter };
    this.#runs.add(run);
    const wall = clock.setTimeout(() => end(new HnError("timeout", { message: TOO_LONG })), wallMs);
    const onAbort = (): void => end(abortError(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    const lines = readLines(launched.stderr, logBudget, (text) => onLine({ source: "stderr", level: "info", text }));
    const output = collect(launched, () => end(tooLarge("It has written more than 16 MiB.")));
    // A program may end without reading all of it.
    launched.link.end(bytes[0] ?? new Uint8Array(0));
    try {
      const [exit, written] = await Promise.all([launched.exited, output]);
      stopped.signal.throwIfAborted();
      return { json: { code: codeOf(exit, declaration) }, bytes: [written] };
    } finally {
      wall.cancel();
      meter.stop();
      lines.finish();
      signal.removeEventListener("abort", onAbort);
      this.#runs.delete(run);
    }
  }
}

const TOO_LONG = "The work took longer than the plugin allows itself.";

/** @throws bad_request */
function readArguments(msg: JsonObject): string[] {
  const { args = [], ...rest } = msg;
  const [extra] = Object.keys(rest);
  if (extra !== undefined)
    throw new HnError("bad_request", { message: `A program takes { args }; ${extra.slice(0, 32)} means nothing to it.` });
  const good =
    Array.isArray(args) &&
    args.length <= ARGS_MAX &&
    args.every((one) => typeof one === "string" && !one.includes("\0")) &&
    Buffer.byteLength((args as string[]).join("")) <= ARGS_MAX_BYTES;
  if (!good) throw new HnError("bad_request", { message: "args must be at most 64 texts of at most 32 KiB together." });
  return args as string[];
}

/** @throws internal_error reason worker_crashed · timeout */
function codeOf({ code, signal, end }: ExitFacts, { limits }: WorkerDeclaration): number {
  if (end?.cause === "over_quota") throw tooLarge(end.detail);
  if (code !== null && code < BY_SIGNAL) return code;
  if (limits.cpuSeconds !== undefined && (OUT_OF_TIME.has(code ?? 0) || signal === "SIGXCPU"))
    throw new HnError("timeout", { reason: "worker_cpu", message: overCpu(limits.cpuSeconds) });
  throw new HnError("internal_error", { reason: "worker_crashed" });
}

function tooLarge(message: string): HnError {
  return new HnError("capacity_exceeded", { reason: "over_quota", message, action: "Send something smaller." });
}

async function collect({ stdout }: Launched, onTooMuch: () => void): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of stdout as AsyncIterable<Uint8Array>) {
      size += part.byteLength;
      if (size <= OUTPUT_MAX_BYTES) parts.push(part);
      else onTooMuch();
    }
  } catch {
    // It was killed; why, its end says.
  }
  return Buffer.concat(parts);
}
