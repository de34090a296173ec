/** The plugin's wishes to the host: the only way out of the sandbox. @source plugin-platform §5.2, §5.3 */
import type { Frame, HostMessage, JsonObject, JsonValue, PluginMessage, PluginOp } from "@hearthnet/host/contract";
import { ByNumber, FrameOutlet, placeBytes, type Attachments, type FrameChannel, type OpShapes } from "@hearthnet/host/format";
import { HnError } from "../error.ts";
import { abortError, fromHost, isOversize } from "./failure.ts";
import { split } from "./json.ts";

/** What the runner needs of its connection: a frame channel, or in an isolate the one that the isolate host gives. */
export type PluginChannel = Pick<FrameChannel<HostMessage, PluginMessage>, "send" | "nextId" | "abort" | "closed">;

/** The call under whose caller an op runs. */
export interface Parent {
  readonly id: number;
  /** Fires when the call ends, however it ends. */
  readonly over: AbortSignal;
}

export interface OpOptions {
  parent?: Parent | undefined;
  signal?: AbortSignal | undefined;
  /** Follow the op, under the host's credit. */
  frames?: AsyncIterable<Frame> | undefined;
  /** Takes a frame; `done` gives its place back to the sender. */
  onFrame?: ((frame: Frame, done: () => void) => void) | undefined;
}

interface Op {
  name: PluginOp;
  args: object;
  options: OpOptions;
  id: number | undefined;
  settled: boolean;
  taken: number;
  outlet: FrameOutlet | undefined;
  /** The host has the op, and what is sent under its id now only follows it. */
  sent: boolean;
  resolve: (value: JsonValue) => void;
  reject: (error: unknown) => void;
  release: () => void;
}

/** The host keeps at most 1024 open. */
const OPEN_MAX = 1000;
const CREDIT_EVERY = 8;
/** Larger attachments travel in chunks. */
const INLINE = 262_144;

export class HostLink {
  readonly #channel: PluginChannel;
  readonly #open = new ByNumber<Op>();
  #waiting: Op[] = [];
  /** An op whose bytes are still leaving; the next must not arrive before it, for ids only rise. */
  #sending = false;

  constructor(channel: PluginChannel) {
    this.#channel = channel;
  }

  /** @throws what the host answers · AbortError when `signal` fires or the parent ends */
  op<Name extends PluginOp>(name: Name, args: object, options: OpOptions = {}): Promise<OpShapes[Name]["value"]> {
    const { signal, parent } = options;
    return new Promise<JsonValue>((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      if (parent?.over.aborted === true) return reject(callOver());
      const onSignal = (): void => this.#withdraw(op, signal?.reason);
      const onOver = (): void => this.#withdraw(op, callOver());
      const release = (): void => {
        signal?.removeEventListener("abort", onSignal);
        parent?.over.removeEventListener("abort", onOver);
      };
      const op: Op = {
        name,
        args,
        options,
        id: undefined,
        settled: false,
        taken: 0,
        outlet: undefined,
        sent: false,
        resolve,
        reject,
        release,
      };
      signal?.addEventListener("abort", onSignal);
      parent?.over.addEventListener("abort", onOver);
      this.#waiting.push(op);
      this.#next();
    }) as Promise<OpShapes[Name]["value"]>;
  }

  /** Frames of a streaming op; leaving the loop withdraws it. */
  async *frames(name: PluginOp, args: object, options: Omit<OpOptions, "onFrame"> = {}): AsyncGenerator<Frame, JsonObject, void> {
    const left = new AbortController();
    const queue: { frame: Frame; done: () => void }[] = [];
    let wake: (() => void) | undefined;
    let end: { value: JsonValue } | { error: unknown } | undefined;
    const signal = options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
    const onFrame = (frame: Frame, done: () => void): void => {
      queue.push({ frame, done });
      wake?.();
    };
    this.op(name, args, { ...options, signal, onFrame }).then(
      (value) => {
        end = { value: value as JsonValue };
        wake?.();
      },
      (error: unknown) => {
        end = { error };
        wake?.();
      },
    );
    try {
      for (;;) {
        const next = queue.shift();
        if (next !== undefined) {
          next.done();
          yield next.frame;
        } else if (end === undefined) {
          await new Promise<void>((resolve) => (wake = resolve));
        } else if ("error" in end) {
          throw end.error;
        } else {
          return end.value as JsonObject;
        }
      }
    } finally {
      left.abort(abortError("The loop over the frames was left."));
    }
  }

  receive(message: Extract<HostMessage, { t: "op.ok" | "op.err" | "op.frame" }>, attachments: Attachments): void {
    const op = this.#open.get(message.id);
    // Answers may cross with a withdrawal.
    if (op === undefined) return;
    if (message.t === "op.frame") {
      if (op.settled) return;
      placeBytes({ [message.event]: message.data }, attachments);
      const frame = { event: message.event, data: message.data };
      const done = (): void => this.#taken(message.id, op);
      if (op.options.onFrame === undefined) done();
      else op.options.onFrame(frame, done);
      return;
    }
    this.#open.delete(message.id);
    if (!op.settled) {
      if (message.t === "op.ok") {
        const holder: JsonObject = { value: message.value };
        placeBytes(holder, attachments);
        this.#settle(op, () => op.resolve(holder["value"] ?? null));
      } else {
        this.#settle(op, () => op.reject(fromHost(message)));
      }
    }
    this.#next();
  }

  /** The host has room for more of the frames that follow an op. */
  credit(id: number, frames: number): void {
    this.#open.get(id)?.outlet?.credit(frames);
  }

  /** The connection is gone. */
  failAll(error: unknown): void {
    const all = [...this.#open.values(), ...this.#waiting.splice(0)];
    this.#open.clear();
    for (const op of all) if (!op.settled) this.#settle(op, () => op.reject(error));
  }

  #taken(id: number, op: Op): void {
    op.taken += 1;
    if (op.taken % CREDIT_EVERY === 0 && !op.settled) this.#send({ t: "credit", id, frames: CREDIT_EVERY });
  }

  #next(): void {
    while (!this.#sending && this.#open.size < OPEN_MAX) {
      const op = this.#waiting.shift();
      if (op === undefined) return;
      if (!op.settled) this.#start(op);
    }
  }

  #start(op: Op): void {
    const id = this.#channel.nextId();
    op.id = id;
    const fail = (cause: unknown): void => {
      this.#open.delete(id);
      const tooLarge = isOversize(cause) && !this.#channel.closed;
      const error = tooLarge
        ? new HnError("bad_request", { reason: "too_large", message: `${op.name}: ${cause.message}`, cause })
        : cause;
      if (!op.settled) this.#settle(op, () => op.reject(error));
    };
    try {
      const { json, attachments } = split(op.args);
      const bytes = Object.values(attachments).reduce((sum, part) => sum + part.byteLength, 0);
      this.#open.set(id, op);
      const parent = op.options.parent === undefined ? {} : { parent: op.options.parent.id };
      const sent = this.#channel.send({ t: "op", id, op: op.name, args: json, ...parent }, attachments);
      if (op.options.frames !== undefined) void this.#follow(op, { id, sent, frames: op.options.frames });
      if (bytes <= INLINE) {
        sent.catch(fail);
        return;
      }
      this.#sending = true;
      void sent.catch(fail).then(() => {
        this.#sending = false;
        this.#next();
      });
    } catch (error) {
      fail(error);
    }
  }

  /** Sends what follows an op; when its source fails, the op is withdrawn with that error. */
  async #follow(op: Op, o: { id: number; sent: Promise<void>; frames: AsyncIterable<Frame> }): Promise<void> {
    const { id, sent, frames } = o;
    op.outlet = new FrameOutlet();
    try {
      await sent;
      op.sent = true;
      await op.outlet.pump(frames, (frame) => {
        if (frame === null) return this.#channel.send({ t: "frame.end", id });
        const { json, attachments } = split({ [frame.event]: frame.data });
        return this.#channel.send({ t: "frame", id, event: frame.event, data: json[frame.event] as JsonObject }, attachments);
      });
    } catch (error) {
      this.#withdraw(op, error);
    }
  }

  #withdraw(op: Op, reason: unknown): void {
    if (op.settled) return;
    this.#settle(op, () => op.reject(reason ?? abortError("It was withdrawn.")));
    if (op.id === undefined) return;
    // What the host never sees whole is not answered; anything else is, and stays open until then.
    // Frames that follow an op say nothing of it.
    if (this.#channel.abort(op.id) && !op.sent) this.#open.delete(op.id);
    else this.#send({ t: "cancel", id: op.id, why: "withdrawn" });
  }

  #settle(op: Op, how: () => void): void {
    op.settled = true;
    op.outlet?.close();
    op.release();
    how();
  }

  #send(message: PluginMessage): void {
    this.#channel.send(message).catch(() => {});
  }
}

function callOver(): DOMException {
  return abortError("The call this belongs to is over. Await everything that a handler starts, or use ctx instead of req.");
}
