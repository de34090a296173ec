/** Receives a plugin's wishes, one answer to each. @source plugin-platform §5.2, §5.3 */
import {
  CONSTANTS,
  PLUGIN_OPS,
  type Clock,
  type JsonObject,
  type JsonValue,
  type PermissionName,
  type PluginMessage,
  type PluginOp,
} from "../../contract/index.ts";
import { HnError, TokenBucket } from "../../foundation/index.ts";
import { ByNumber, FrameInbox, placeBytes, protocolError, takeBytes, type Attachments } from "../../format/index.ts";
import { GrantDenied, OpGrants, Undecided, type Check, type GrantModes, type GrantTable } from "../permission/index.ts";
import type { ConfinedProcess, Outgoing } from "../process/index.ts";
import { asking } from "./asking.ts";
import type { LiveCall, LiveCalls } from "./live-calls.ts";
import { isOp, runOp } from "./ops.ts";
import type { OpCall, OpFacts, PluginScope } from "./scope.ts";
import { simulated } from "./simulated.ts";

/** One op as the ledger keeps it. */
export interface OpUse extends Required<Omit<OpFacts, "permission">> {
  op: string;
  permission: PermissionName | "";
  trace: string;
  /** Through which door of the plugin's own it was wished for. */
  via?: "panel";
}

/** An op that waits for the operator. */
export interface AskedOp {
  op: string;
  denial: GrantDenied;
  trace: string;
  signal: AbortSignal;
}

export interface OpDeskOptions {
  process: ConfinedProcess;
  clock: Clock;
  scope: PluginScope;
  calls: LiveCalls;
  modes: () => GrantModes;
  /** Puts a question to the operator; resolves when they say yes. @throws GrantDenied when they say no, or nothing in time */
  ask: (question: AskedOp) => Promise<void>;
  onDenied: (use: OpUse) => void;
  onQuota: (use: OpUse) => void;
  onAllowed: (use: OpUse) => void;
  onSimulated: (use: OpUse) => void;
  /** A check that an op has passed, or would have passed in a trial run. */
  onPassed: (check: Check) => void;
  onStrike: (why: string) => void;
}

interface Running {
  grants: OpGrants;
  controller: AbortController;
  /** Its answer has been sent before its work has ended. */
  answered: boolean;
  /** A frame has been sent. */
  framed: boolean;
  /** Frames that may still be sent. */
  credit: number;
  wake: (() => void) | undefined;
  /** Frames that follow the op; only some ops take any. */
  inbox: FrameInbox | undefined;
  use: OpUse;
}

/** With `stream: true` among the arguments. */
const TAKES_FRAMES = new Set<string>(["blobs.put", "bus.stream"]);
const OPEN_MAX = 1024;
const PER_SECOND = 2000;

export class OpDesk {
  readonly #options: OpDeskOptions;
  readonly #running = new ByNumber<Running>();
  readonly #bucket: TokenBucket;
  #lastId = 0;
  /** On the monotonic clock; 0 while reading goes on. */
  #pausedUntil = 0;

  constructor(options: OpDeskOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket({ perSecond: PER_SECOND, now: options.clock.monotonic() });
  }

  get size(): number {
    return this.#running.size;
  }

  /** @throws plugin_gone reason protocol_error */
  receive(message: Extract<PluginMessage, { t: "op" }>, attachments: Attachments): void {
    const { id, op, parent, args } = message;
    if (!Number.isInteger(id) || id % 2 !== 1 || id <= this.#lastId)
      throw protocolError("An op uses an id that is not its own or was used.");
    this.#lastId = id;
    if (this.#running.size >= OPEN_MAX) throw protocolError("Too many ops are open.");
    if (typeof op !== "string" || typeof args !== "object" || args === null || Array.isArray(args))
      throw protocolError("An op is malformed.");
    this.#slowDown();
    const call = parent === undefined ? null : this.#options.calls.find(parent);
    if (call === undefined) throw protocolError("An op names a call that is not open.");
    placeBytes(args, attachments);
    if (call !== null && call !== "detached" && call.authority === "nobody")
      return this.#refuse(id, new HnError("unauthorized", { message: "Nobody has proven who they are on this route. Use ctx." }));
    if (call === "detached")
      return this.#refuse(id, new HnError("timeout", { message: "The call this belongs to was given up." }));
    if (!isOp(op)) {
      const use = { permission: "" as const, target: "", bytesIn: 0, bytesOut: 0, denied: true, trace: "" };
      this.#options.onDenied({ op: op.slice(0, 64), ...use });
      this.#options.onStrike(`It asked for the unknown operation ${op.slice(0, 64)}.`);
      return this.#refuse(id, new HnError("permission_denied", { message: `There is no operation ${op.slice(0, 64)}.` }));
    }
    void this.#run({ id, op, args, parent: call });
  }

  /** The plugin withdraws an op. */
  cancel(id: number): void {
    this.#running.get(id)?.controller.abort(new DOMException("The plugin withdrew it.", "AbortError"));
  }

  /** @throws plugin_gone reason protocol_error */
  credit(id: number, frames: number): void {
    const running = this.#running.get(id);
    // Credit may cross with the end of the op.
    if (running === undefined) return;
    if (!Number.isInteger(frames) || frames < 1 || running.credit + frames > CONSTANTS.STREAM_WINDOW_FRAMES) {
      throw protocolError("Credit was given for frames that were never sent.");
    }
    running.credit += frames;
    running.wake?.();
  }

  /** What follows an op. @throws plugin_gone reason protocol_error */
  frame(message: Extract<PluginMessage, { t: "frame" | "frame.end" }>, attachments: Attachments): void {
    const running = this.#running.get(message.id);
    // It may cross with the end of the op.
    if (running === undefined && message.id <= this.#lastId) return;
    if (running?.inbox === undefined) throw protocolError("Frames came for an op that takes none.");
    if (message.t === "frame.end") return running.inbox.end();
    if (typeof message.event !== "string" || typeof message.data !== "object" || message.data === null)
      throw protocolError("A frame is malformed.");
    placeBytes({ [message.event]: message.data }, attachments);
    running.inbox.push({ event: message.event, data: message.data });
  }

  /** Ends what runs on rights that are gone, or narrower than what it does. Its work may still wind up; the plugin has its answer. @source §3.4.3 */
  revoke(): void {
    for (const [id, running] of this.#running.entries()) {
      const lost = running.answered ? undefined : running.grants.lost();
      if (lost === undefined) continue;
      running.answered = true;
      running.controller.abort(lost);
      running.wake?.();
      this.#options.onDenied({ ...running.use, target: running.use.target || lost.target });
      this.#refuse(id, lost);
    }
  }

  closeAll(error: HnError): void {
    for (const { controller, wake } of this.#running.values()) {
      controller.abort(error);
      wake?.();
    }
  }

  async #run(o: { id: number; op: PluginOp; args: JsonObject; parent: LiveCall | null }): Promise<void> {
    const { process, modes } = this.#options;
    const permission = PLUGIN_OPS[o.op];
    const running: Running = {
      grants: new OpGrants(modes, this.#options.onPassed),
      controller: new AbortController(),
      answered: false,
      framed: false,
      credit: CONSTANTS.STREAM_WINDOW_FRAMES,
      wake: undefined,
      inbox: TAKES_FRAMES.has(o.op) && o.args["stream"] === true ? this.#inbox(o.id) : undefined,
      use: {
        op: o.op,
        permission: permission ?? "",
        target: "",
        bytesIn: 0,
        bytesOut: 0,
        denied: false,
        trace: o.parent?.call.traceId ?? "",
        ...(o.parent?.via === "panel" ? { via: o.parent.via } : {}),
      },
    };
    this.#running.set(o.id, running);
    const { signal } = running.controller;
    const onParentEnd = (): void => running.controller.abort(o.parent?.signal.reason);
    o.parent?.signal.addEventListener("abort", onParentEnd, { once: true });
    signal.addEventListener("abort", () => {
      running.wake?.();
      running.inbox?.end(signal.reason);
    });
    try {
      const value = await this.#decide(o, running);
      if (running.answered) return;
      const { json, attachments } = takeBytes({ value });
      await process.channel.send({ t: "op.ok", id: o.id, value: json["value"] ?? null }, attachments);
    } catch (error) {
      if (!running.answered) this.#fail(o.id, signal.aborted ? signal.reason : error, running.use);
    } finally {
      o.parent?.signal.removeEventListener("abort", onParentEnd);
      this.#running.delete(o.id);
    }
  }

  #inbox(id: number): FrameInbox {
    const { channel } = this.#options.process;
    return new FrameInbox((frames) => void channel.send({ t: "credit", id, frames }).catch(() => {}));
  }

  /** Runs it under the rights it has. What the operator is asked about runs after their yes, and what is only tried does not run at all. */
  async #decide(
    o: { id: number; op: PluginOp; args: JsonObject; parent: LiveCall | null },
    running: Running,
  ): Promise<JsonValue> {
    const { grants, use } = running;
    const { signal } = running.controller;
    // What a panel wishes for, its plugin does under its own rights, and no longer than the panel waits.
    const parent = o.parent?.authority === "own" ? null : o.parent;
    const scope = { ...this.#options.scope, grants: () => grants.view };
    const note = (facts: OpFacts): void => void Object.assign(use, facts);
    const frame = (event: string, data: JsonObject): Promise<void> => this.#frame(o.id, running, { event, data });
    const ask = (denial: GrantDenied): Promise<void> => this.#options.ask({ op: o.op, denial, trace: use.trace, signal });
    const decide = <T>(act: () => T | Promise<T>): Promise<T> => asking({ grants, ask }, act);
    const passing = (): GrantTable => grants.passing;
    const call: OpCall = { scope, args: o.args, parent, signal, frame, frames: running.inbox, note, decide, passing };
    try {
      const value = await decide(() => runOp(o.op, call));
      if (use.permission !== "") this.#options.onAllowed(use);
      return value;
    } catch (error) {
      if (!(error instanceof Undecided)) throw error;
      const { permission, target } = error.denial;
      this.#options.onSimulated({ ...use, permission, target: use.target || target });
      return simulated(o.op, { ...call, begun: running.framed });
    }
  }

  async #frame(id: number, running: Running, frame: { event: string; data: JsonObject }): Promise<void> {
    const { signal } = running.controller;
    while (running.credit === 0 && !signal.aborted) {
      await new Promise<void>((resolve) => (running.wake = resolve));
    }
    if (signal.aborted) throw signal.reason;
    running.credit -= 1;
    running.framed = true;
    const { json, attachments } = takeBytes({ [frame.event]: frame.data });
    await this.#options.process.channel.send(
      { t: "op.frame", id, event: frame.event, data: (json[frame.event] ?? {}) as JsonObject },
      attachments,
      { spends: true },
    );
  }

  #fail(id: number, error: unknown, use: OpUse): void {
    const coded =
      error instanceof DOMException && error.name === "AbortError"
        ? new HnError("timeout", { message: "The operation was withdrawn.", cause: error })
        : HnError.from(error);
    if (coded.code === "permission_denied" || use.denied) {
      // Which right it was is known where the op alone does not say it.
      const missed = coded instanceof GrantDenied ? coded : { permission: use.permission, target: coded.message };
      this.#options.onDenied({ ...use, permission: missed.permission, target: use.target || missed.target });
    } else if (coded.code === "quota_exceeded") this.#options.onQuota(use);
    // What was let through and moved bytes was used, however it ended.
    else if (use.bytesIn + use.bytesOut > 0) this.#options.onAllowed(use);
    this.#refuse(id, coded);
  }

  #refuse(id: number, error: HnError): void {
    const message: Outgoing = {
      t: "op.err",
      id,
      error: error.code,
      message: error.message,
      ...(error.reason === undefined ? {} : { reason: error.reason }),
      ...(error.retryAfterMs === undefined ? {} : { retry_after_ms: Math.ceil(error.retryAfterMs) }),
    };
    this.#options.process.channel.send(message).catch(() => {});
  }

  /**
   * More than 2000 ops a second: reading pauses. What has been read already is many ops at once, so each of them lengthens the pause; one that
   * only waited for the next token would let them all through.
   */
  #slowDown(): void {
    const { clock, process } = this.#options;
    const now = clock.monotonic();
    const wait = this.#bucket.borrow(now);
    if (wait === 0) return;
    const pausing = this.#pausedUntil > 0;
    this.#pausedUntil = now + wait;
    if (pausing) return;
    process.channel.pause();
    const goOn = (): void => {
      const left = this.#pausedUntil - clock.monotonic();
      if (left > 0) return void clock.setTimeout(goOn, left);
      this.#pausedUntil = 0;
      process.channel.resume();
    };
    clock.setTimeout(goOn, wait);
  }
}
