/** One plugin of an isolate host: the connection that the daemon speaks on, and the isolate behind it. */
import type { IsolateOrder, IsolateReport } from "@hearthnet/host/contract";
import { ByNumber, FrameChannel, type Attachments, type ByteSocket } from "@hearthnet/host/format";
import type ivm from "isolated-vm";
import type { Post } from "../guest/channel.ts";
import type { Engine } from "./engine.ts";
import { failureOf, PluginIsolate, type Failure, type GuestScript } from "./isolate.ts";

export interface GuestOptions {
  engine: Engine;
  /** Script that runs first in the isolate. */
  script: GuestScript;
  lane: ByteSocket;
  /** Nobody else is in this process. */
  alone: () => boolean;
  onEnd: (end: Pick<IsolateReport, "cause" | "detail">) => void;
}

type Message = { t: string; id?: number; deadlineMs?: number };

/** Longest that code may run in one piece where no call's deadline says otherwise. */
const BLOCK_MS = 4000;
/** Least time for any message: the word that a deadline has passed arrives after it, and must still be heard on a busy machine. */
const LEAST_MS = 100;
const ENDS_CALL = new Set(["result", "done", "error"]);

export class Guest {
  readonly #options: GuestOptions;
  readonly #channel: FrameChannel<Message, Message>;
  /** What came before the isolate was ready. */
  #early: [text: string, attachments: Attachments][] | undefined = [];
  /** What was parsed last, as it came: the isolate gets this very text. */
  #parsed: { message: unknown; text: string } = { message: undefined, text: "" };
  #plugin: PluginIsolate | undefined;
  #isolate: ivm.Isolate | undefined;
  /** Ends of the open calls, monotonic milliseconds. */
  readonly #deadlines = new ByNumber<number>();
  /** Messages that another thread has not done with. */
  #elsewhere = 0;
  /** What was posted while this thread was in the isolate: looked at when it has left, for there is little stack down there. */
  #posted: Parameters<Post>[] = [];
  #ended = false;

  constructor(options: GuestOptions) {
    this.#options = options;
    this.#channel = new FrameChannel<Message, Message>({
      socket: options.lane,
      parity: "odd",
      // The daemon wrote these headers itself; its strict parser has seen whatever came from elsewhere.
      parse: (text) => {
        const message = JSON.parse(text) as unknown;
        this.#parsed = { message, text };
        return message;
      },
      onMessage: (message, attachments) => this.#receive(message, attachments),
      onError: (error) => this.#end("exited", error.message),
      onClose: () => this.#end("exited", "The daemon closed the connection."),
    });
  }

  async open(order: IsolateOrder, bundle: Uint8Array): Promise<void> {
    const { engine, script } = this.#options;
    try {
      this.#plugin = await PluginIsolate.open(
        {
          engine,
          guest: script,
          entry: order.entry,
          bundle: new TextDecoder().decode(bundle),
          manifest: JSON.stringify(order.manifest),
          memoryMb: order.memoryMb,
          loadMs: BLOCK_MS,
          onPost: (...words) => this.#post(...words),
          onPostAtOnce: (...words) => void this.#posted.push(words),
          onExit: (code) => this.#end("exited", `It ended with exit code ${Number(code)}.`),
        },
        (isolate) => (this.#isolate = isolate),
      );
    } catch (error) {
      return this.#failed(error);
    }
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const [text, attachments] of early) this.#deliver(text, attachments);
  }

  #receive(message: Message, attachments: Attachments): void {
    if (message.t === "call" && message.id !== undefined)
      this.#deadlines.set(message.id, performance.now() + (message.deadlineMs ?? BLOCK_MS));
    // What came with bytes is another object, without the places of those.
    const text = message === this.#parsed.message ? this.#parsed.text : JSON.stringify(message);
    if (this.#early === undefined) this.#deliver(text, attachments);
    else this.#early.push([text, attachments]);
  }

  #deliver(text: string, attachments: Attachments): void {
    if (this.#plugin === undefined) return;
    // In one order: what another thread has posted has come before it counts as done.
    if (this.#elsewhere === 0 && this.#options.alone()) return this.#deliverAtOnce(this.#plugin, text, attachments);
    this.#elsewhere += 1;
    this.#plugin
      .receive(text, attachments, this.#patience())
      .catch((error: unknown) => this.#failed(error))
      .finally(() => (this.#elsewhere -= 1));
  }

  /** Whoever is alone keeps nobody waiting; when that takes too long, the daemon ends the process. */
  #deliverAtOnce(plugin: PluginIsolate, text: string, attachments: Attachments): void {
    let failure: unknown;
    try {
      plugin.receiveAtOnce(text, attachments);
    } catch (error) {
      failure = error;
    }
    const posted = this.#posted;
    this.#posted = [];
    for (const words of posted) this.#post(...words);
    if (failure !== undefined) this.#failed(failure);
  }

  /** Until the nearest deadline: what runs beyond it is of no use to anybody. */
  #patience(): number {
    const left = Math.min(...this.#deadlines.values()) - performance.now();
    return Math.ceil(Math.min(BLOCK_MS, Math.max(LEAST_MS, left)));
  }

  /** From inside the isolate: nothing about it is certain but that it is text and bytes. */
  #post(text: string, pointers?: string, ...parts: ArrayBuffer[]): void {
    if (this.#ended) return;
    try {
      const message = JSON.parse(text) as Message;
      if (message.id !== undefined && ENDS_CALL.has(message.t)) this.#deadlines.delete(message.id);
      if (pointers === undefined) return void this.#channel.send(message).catch(() => {});
      const names = JSON.parse(pointers) as string[];
      const bytes = names.map((name, index) => [name, new Uint8Array(parts[index] ?? new ArrayBuffer(0))] as const);
      this.#channel.send(message, Object.fromEntries(bytes)).catch(() => {});
    } catch {
      this.#end("exited", "It sent something that is no message.");
    }
  }

  #failed(error: unknown): void {
    if (this.#ended) return;
    const failure: Failure = failureOf(error);
    const disposed = this.#isolate?.isDisposed === true;
    if (failure === "hung") return this.#end("hung", "Its code ran on beyond the deadline.");
    // The engine disposes of an isolate by itself for one reason only.
    if (failure === "over_quota" || disposed) return this.#end("over_quota", "It used more memory than its isolate has.");
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (this.#plugin === undefined) return this.#end("exited", `Its isolate could not be set up: ${text}`);
    // Mostly what a cancelled call leaves behind; its author reads of it, others are not disturbed.
    this.#channel
      .send({ t: "log", level: "error", msg: `Unhandled rejection: ${text.slice(0, 12_000)}` } as Message)
      .catch(() => {});
  }

  #end(cause: IsolateReport["cause"], detail: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#channel.flush();
    this.#options.onEnd({ cause, detail });
    if (this.#isolate?.isDisposed === false) this.#isolate.dispose();
  }
}
