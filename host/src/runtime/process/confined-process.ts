/** One process behind fd 3, plugin or worker, from its first frame to its end. @source plugin-platform §5, §6.3, §7 */
import type { Clock, HostMessage, PluginMessage, Timer, WorkerHostMessage, WorkerMessage } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { FrameChannel, type Attachments, type ByteSocket } from "../../format/index.ts";
import { cpuMs, heapMb, type ExitFacts, type Launched, type Launcher, type SandboxSpec } from "../confine/index.ts";
import type { LogBudget } from "./log-budget.ts";
import { readLines, type LineReader } from "./log-lines.ts";
import { Meter, type Measure, type Usage } from "./meter.ts";

export type Incoming = PluginMessage | WorkerMessage;
export type Outgoing = HostMessage | WorkerHostMessage;
type Ready = Extract<PluginMessage, { t: "ready" }>;

export type EndCause = "exited" | "stopped" | "killed" | "hung" | "over_quota" | "protocol_error";
export interface ProcessEnd {
  cause: EndCause;
  exit: ExitFacts;
  /** One sentence for the log and the page. */
  detail: string;
}

export interface ConfinedProcessOptions {
  launcher: Launcher<ByteSocket>;
  spec: SandboxSpec;
  clock: Clock;
  limits: { startTimeoutMs: number; memoryMb: number; maxBlockMs: number; pids: number; cpu?: number };
  /** What plugin and workers may print together. */
  logBudget: LogBudget;
  onAtCap?: (atCap: boolean) => void;
  measure?: Measure | undefined;
  /** Workers are bound by the time of their message instead. */
  pings: boolean;
  /** What follows the greeting. */
  init: (launched: Launched<ByteSocket>) => Outgoing;
  onMessage: (message: Incoming, attachments: Attachments) => void;
  onLine: (line: {
    source: "stdout" | "stderr" | "plugin" | "host";
    level: "debug" | "info" | "warn" | "error";
    text: string;
  }) => void;
  onEnd: (end: ProcessEnd) => void;
}

const PROTOCOLS = [1];
const FEATURES: string[] = [];
const PING_MS = 1000;
const MISSED_PINGS = 4;
const MISSED_PINGS_MAX = 30;
const PARTIAL_FRAME_MS = 10_000;
const LOGS_PER_SECOND = 100;
/** Part of V8's farewell, whichever of its reasons stands before it. */
const HEAP_FULL = "JavaScript heap out of memory";
const LAST_WORDS_MS = 200;

export class ConfinedProcess {
  readonly launched: Launched<ByteSocket>;
  readonly channel: FrameChannel<Incoming, Outgoing>;
  readonly ended: Promise<ProcessEnd>;
  readonly #options: ConfinedProcessOptions;
  readonly #meter: Meter;
  readonly #readers: LineReader[];
  #phase: "greeting" | "starting" | "running" | "ending" = "greeting";
  #ready!: { resolve: (ready: Ready) => void; reject: (error: HnError) => void };
  #startTimer: Timer;
  #pingTimer: Timer | undefined;
  #pingsOut = 0;
  #pingNumber = 0;
  #lastPong = 0;
  #partial: { received: number; since: number } | null = null;
  #logWindow = { start: 0, count: 0, dropped: 0 };
  #end: Omit<ProcessEnd, "exit"> | undefined;
  #drained: (() => void) | undefined;
  /** V8 said that it ends for want of memory. */
  #heapFull = false;
  /** What its runner can do beyond the first release of the protocol. */
  features: ReadonlySet<string> = new Set();
  /** Resolves with what the plugin registered; rejects when it does not get that far. */
  readonly ready: Promise<Ready>;

  /** @throws Error when the program cannot be started at all */
  constructor(options: ConfinedProcessOptions) {
    this.#options = options;
    const { clock, limits, spec } = options;
    this.launched = options.launcher.launch(spec);
    this.ready = new Promise((resolve, reject) => (this.#ready = { resolve, reject }));
    this.ready.catch(() => {});
    this.#readers = (["stdout", "stderr"] as const).map((source) =>
      readLines(this.launched[source], options.logBudget, (text) => {
        if (source === "stderr") this.#heapFull ||= text.includes(HEAP_FULL);
        options.onLine({ source, level: source === "stderr" ? "warn" : "info", text });
      }),
    );
    this.channel = new FrameChannel<Incoming, Outgoing>({
      socket: this.launched.link,
      parity: "even",
      ownsPieces: true,
      onMessage: (message, attachments) => this.#receive(message, attachments),
      onError: (error) => this.kill("protocol_error", error.message),
      // A plugin that closes its link cannot be spoken to any more.
      onClose: () => this.#linkClosed(),
    });
    this.#meter = new Meter({
      clock,
      tree: () => this.launched.tree(),
      memoryMb: limits.memoryMb,
      pids: limits.pids,
      cpu: limits.cpu,
      onOverPids: (tasks) => this.kill("over_quota", `It had ${tasks} processes and threads; its limit is ${limits.pids}.`),
      onAtCap: (atCap) => options.onAtCap?.(atCap),
      ...(options.measure === undefined ? {} : { measure: options.measure }),
      onOverMemory: (rssMb) => this.kill("over_quota", `It used ${rssMb} MB of memory; its limit is ${limits.memoryMb} MB.`),
    });
    this.#startTimer = clock.setTimeout(
      () => this.kill("killed", `It was not ready within ${limits.startTimeoutMs} ms.`),
      limits.startTimeoutMs,
    );
    this.ended = this.launched.exited.then(async (exit) => {
      if (isAbort(exit)) await this.#lastWords();
      return this.#finish(exit);
    });
    this.#send({
      t: "hello",
      protocols: PROTOCOLS,
      host: "hearthnet/1",
      limits: { memory_mb: limits.memoryMb },
      features: FEATURES,
    });
  }

  get usage(): Usage {
    return this.#meter.usage;
  }

  get running(): boolean {
    return this.#phase === "running";
  }

  /** Ends it now. The first cause given is the one that counts. */
  kill(cause: EndCause, detail: string): void {
    this.#end ??= { cause, detail };
    this.launched.kill();
  }

  /**
   * Ends it unless it still answers a ping within the time: what lets a deadline pass is either slow or stuck. Without processor time nobody
   * answers, so on a busy machine the time goes on until it has had half of it.
   */
  probe(withinMs: number): void {
    if (!this.running) return;
    this.#ping();
    const asked = this.#pingNumber;
    const used = (): number => cpuMs(this.launched.tree());
    const before = used();
    const look = (): void => {
      if (this.#lastPong >= asked || !this.running) return;
      if (used() - before >= withinMs / 2) this.kill("hung", `It did not answer within ${withinMs} ms after a deadline.`);
      else this.#options.clock.setTimeout(look, withinMs);
    };
    this.#options.clock.setTimeout(look, withinMs);
  }

  /** No new calls follow; resolves when the plugin says that it has finished, or after the time. */
  async drain(timeoutMs: number): Promise<void> {
    if (!this.running) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.setTimeout(resolve, timeoutMs);
      this.#drained = () => {
        timer.cancel();
        resolve();
      };
      this.#send({ t: "drain", deadlineMs: timeoutMs });
    });
  }

  /** Asks it to leave and ends it after the time. */
  async stop(why: string, shutdownMs: number): Promise<ProcessEnd> {
    this.#end ??= { cause: "stopped", detail: why };
    this.#phase = "ending";
    this.#send({ t: "stop", why });
    const timer = this.#options.clock.setTimeout(() => this.launched.kill(), shutdownMs);
    const end = await this.ended;
    timer.cancel();
    return end;
  }

  #send(message: Outgoing): void {
    // A connection that ends in the meantime is reported by `ended`.
    this.channel.send(message).catch(() => {});
  }

  #receive(message: Incoming, attachments: Attachments): void {
    if (message.t === "log") return this.#log(message);
    if (message.t === "pong") {
      if (message.n !== this.#pingNumber) return;
      this.#pingsOut = 0;
      this.#lastPong = message.n;
      return;
    }
    if (message.t === "bye") return;
    if (this.#phase === "greeting") return this.#greet(message);
    if (message.t === "drained") return this.#drained?.();
    if (message.t === "ready") return this.#becomeReady(message);
    if (message.t === "hello.ok") throw new HnError("plugin_gone", { reason: "protocol_error", message: "It greeted twice." });
    this.#options.onMessage(message, attachments);
  }

  #greet(message: Incoming): void {
    if (message.t !== "hello.ok")
      throw new HnError("plugin_gone", { reason: "protocol_error", message: "It spoke before it was greeted." });
    if (!PROTOCOLS.includes(message.protocol)) {
      return this.kill("protocol_error", `It speaks protocol ${String(message.protocol)}, this node ${PROTOCOLS.join(", ")}.`);
    }
    this.features = new Set(message.features);
    this.#phase = "starting";
    this.#send(this.#options.init(this.launched));
  }

  #becomeReady(message: Ready | Extract<WorkerMessage, { t: "ready" }>): void {
    if (this.#phase !== "starting")
      throw new HnError("plugin_gone", { reason: "protocol_error", message: "It became ready twice." });
    this.#phase = "running";
    this.#startTimer.cancel();
    this.#tick();
    this.#ready.resolve(message);
  }

  /** Once a second: is it alive, and does the frame under way come to an end? */
  #tick(): void {
    const { clock, limits, pings } = this.#options;
    this.#pingTimer = clock.setTimeout(() => this.#tick(), PING_MS);
    const missed = Math.min(MISSED_PINGS_MAX, Math.max(MISSED_PINGS, Math.ceil(limits.maxBlockMs / PING_MS)));
    if (pings && this.#pingsOut >= missed) {
      return this.kill("hung", `It did not answer for ${missed} s.`);
    }
    const { partial, received } = this.channel;
    if (!partial) this.#partial = null;
    else if (this.#partial?.received !== received) this.#partial = { received, since: clock.monotonic() };
    else if (clock.monotonic() - this.#partial.since >= PARTIAL_FRAME_MS) {
      return this.kill("protocol_error", "A frame was not finished within 10 s.");
    }
    if (pings) this.#ping();
  }

  #ping(): void {
    this.#pingsOut += 1;
    this.#pingNumber += 1;
    this.#send({ t: "ping", n: this.#pingNumber });
  }

  #log(message: Extract<PluginMessage, { t: "log" }>): void {
    const window = this.#logWindow;
    const now = this.#options.clock.monotonic();
    if (now - window.start >= 1000) {
      if (window.dropped > 0)
        this.#options.onLine({ source: "plugin", level: "warn", text: `(${window.dropped} log lines dropped)` });
      this.#logWindow = { start: now, count: 0, dropped: 0 };
    }
    this.#logWindow.count += 1;
    if (this.#logWindow.count > LOGS_PER_SECOND) {
      this.#logWindow.dropped += 1;
      return;
    }
    const level = (["debug", "info", "warn", "error"] as const).find((known) => known === message.level) ?? "info";
    const fields = message.fields === undefined ? "" : ` ${JSON.stringify(message.fields)}`;
    const text = `${String(message.msg)}${fields}`;
    if (this.#options.logBudget.take(text.length, 1)) this.#options.onLine({ source: "plugin", level, text });
  }

  #linkClosed(): void {
    if (this.#phase === "ending" || this.#end !== undefined) return;
    // It may just be exiting; what it reports then is better than "killed".
    this.#options.clock.setTimeout(() => this.kill("exited", "It closed its connection."), 100);
  }

  /** What it printed before it aborted may still be on its way. */
  #lastWords(): Promise<void> {
    const { stderr } = this.launched;
    if (stderr.readableEnded || stderr.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimeout(resolve, LAST_WORDS_MS);
      stderr.once("close", () => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Why it ended, if nobody here ended it. A plugin that lies about its heap only says of itself that it was too large. */
  #ownEnd(exit: ExitFacts): Omit<ProcessEnd, "exit"> {
    const heap = heapMb(this.#options.spec.memoryMb);
    return this.#heapFull && isAbort(exit)
      ? { cause: "over_quota", detail: `Its JavaScript heap was full; it has ${heap} MB of the plugin's memory.` }
      : { cause: "exited", detail: exitSentence(exit) };
  }

  #finish(exit: ExitFacts): ProcessEnd {
    this.#startTimer.cancel();
    this.#pingTimer?.cancel();
    this.#meter.stop();
    for (const reader of this.#readers) reader.finish();
    const known = this.#end ?? exit.end ?? this.#ownEnd(exit);
    const end: ProcessEnd = { ...known, exit };
    this.#phase = "ending";
    this.#drained?.();
    this.channel.close();
    this.#ready.reject(startError(end));
    this.#options.onEnd(end);
    return end;
  }
}

/** As the shell and bwrap report it, or the kernel. */
function isAbort({ code, signal }: ExitFacts): boolean {
  return code === 134 || signal === "SIGABRT";
}

function exitSentence({ code, signal }: ExitFacts): string {
  return signal === null ? `It ended with exit code ${code ?? "unknown"}.` : `It was ended by ${signal}.`;
}

/** Why a process that ended before it was ready did not start. */
function startError(end: ProcessEnd): HnError {
  const reason = end.cause === "over_quota" || end.cause === "protocol_error" ? end.cause : "start_failed";
  return new HnError(reason === "over_quota" ? "quota_exceeded" : "plugin_gone", {
    reason,
    message: `The plugin did not start. ${end.detail}`,
  });
}
