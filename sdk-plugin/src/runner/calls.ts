/** Calls that the host hands in. @source plugin-platform §5.2, §5.3 */
import type { Frame, HostMessage, JsonObject } from "@hearthnet/host/contract";
import { ByNumber, FrameInbox, placeBytes, type Attachments } from "@hearthnet/host/format";
import type { Ctx, Req } from "../context.ts";
import type { PluginDefinition } from "../definition.ts";
import { HnError } from "../error.ts";
import { answerHttp, answerPanel, type HttpMessage, type PanelMessage } from "./doors.ts";
import { abortError, describeFailure } from "./failure.ts";
import type { HostLink, Parent, PluginChannel } from "./host-link.ts";
import { isObject, kindOf, split } from "./json.ts";
import { LateSignal } from "./late-signal.ts";
import { answerRole } from "./roles.ts";
import { answerSocket } from "./sockets.ts";

type RoleMessage = Extract<HostMessage, { t: "role" }>;
type CallMessage = Extract<HostMessage, { t: "call" }>;
/** All are answered alike. */
type Asked = CallMessage | RoleMessage | HttpMessage | PanelMessage;
export type MakeRequest = (message: CallMessage, attachments: Attachments, live: LiveCall) => Req;
/** What a request needs of the call it stands for; without an inbox nothing follows it. */
export type LiveCall = Parent & { signal: AbortSignal; inbox: AsyncIterable<Frame> | undefined };

export interface CallsOptions {
  channel: PluginChannel;
  definition: PluginDefinition;
  ctx: Ctx;
  link: HostLink;
  request: MakeRequest;
  /** The same for a panel: what it is used for ends with the call. */
  panelCtx: (live: Parent) => Ctx;
  /** Stack and the like: for the plugin's own log. */
  onFault: (detail: string, fields: JsonObject) => void;
}

/** Frames that may be under way to a slow reader. */
const WINDOW = 16;

class Live implements Parent {
  readonly id: number;
  readonly cancelled = new LateSignal();
  readonly ended = new LateSignal();
  credit: number = WINDOW;
  /** What was sent last: what comes from several places goes out one after the other. */
  tail: Promise<void> | undefined;
  wake: (() => void) | undefined;
  /** What follows the call. */
  readonly inbox: FrameInbox | undefined;

  constructor(id: number, inbox: FrameInbox | undefined) {
    this.id = id;
    this.inbox = inbox;
  }

  get signal(): AbortSignal {
    return this.cancelled.signal;
  }

  get over(): AbortSignal {
    return this.ended.signal;
  }
}

export class Calls {
  readonly #options: CallsOptions;
  readonly #live = new ByNumber<Live>();
  #drained: (() => void) | undefined;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  receive(message: Asked, attachments: Attachments): void {
    const follows =
      message.t === "role" || (message.t === "call" && message.frames === true) || (message.t === "http" && isSocket(message));
    const live = new Live(message.id, follows ? this.#inbox(message.id) : undefined);
    this.#live.set(message.id, live);
    void this.#answer(live, message, attachments);
  }

  /** Follows a call. */
  frame(message: Extract<HostMessage, { t: "frame" | "frame.end" }>, attachments: Attachments): void {
    const inbox = this.#live.get(message.id)?.inbox;
    // It may cross with the answer.
    if (inbox === undefined) return;
    if (message.t === "frame.end") return inbox.end();
    placeBytes({ [message.event]: message.data }, attachments);
    inbox.push({ event: message.event, data: message.data });
  }

  cancel(id: number, why: string): void {
    const live = this.#live.get(id);
    live?.cancelled.abort(abortError(`The call was cancelled: ${why}.`));
    live?.inbox?.end(abortError(`The call was cancelled: ${why}.`));
    live?.wake?.();
  }

  credit(id: number, frames: number): void {
    const live = this.#live.get(id);
    if (live === undefined) return;
    live.credit += frames;
    live.wake?.();
  }

  cancelAll(why: string): void {
    for (const [id] of this.#live.entries()) this.cancel(id, why);
  }

  /** Resolves when no call is left. */
  async drain(): Promise<void> {
    if (this.#live.size > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
  }

  async #answer(live: Live, message: Asked, attachments: Attachments): Promise<void> {
    const { channel, onFault } = this.#options;
    const { id } = live;
    try {
      const value = await this.#run(live, message, attachments);
      // Whatever the handler started and did not await must not outlive its call.
      live.ended.abort();
      if (live.tail !== undefined) await this.#flushed(live);
      const { json, attachments: bytes } = split(value);
      if (((message.t === "call" || message.t === "role") && message.stream) || (message.t === "http" && isSocket(message)))
        await channel.send({ t: "done", id, data: json }, bytes);
      else await channel.send({ t: "result", id, output: json["output"] as JsonObject, meta: json["meta"] as JsonObject }, bytes);
    } catch (error) {
      live.ended.abort();
      if (live.tail !== undefined) await this.#flushed(live);
      if (channel.closed) return;
      const { wire, detail } = describeFailure(error, live.cancelled.aborted);
      if (detail !== undefined) onFault(detail, { ...subjectOf(message), trace: message.trace });
      await channel.send({ t: "error", id, ...wire }).catch(() => {});
    } finally {
      this.#live.delete(id);
      if (this.#live.size === 0) this.#drained?.();
    }
  }

  async #run(live: Live, message: Asked, attachments: Attachments): Promise<object> {
    const { definition, ctx, link, panelCtx } = this.#options;
    if (message.t === "http" && isSocket(message)) {
      const { id, inbox, over, signal } = live;
      const send = (frame: Frame): Promise<void> => {
        const sent = (live.tail ?? Promise.resolve()).then(() => this.#send(live, frame));
        live.tail = sent.catch(() => {});
        return sent;
      };
      return answerSocket(message, { definition, ctx, link, attachments, live: { id, inbox, over, signal, send } });
    }
    if (message.t === "http")
      return { output: await answerHttp(message, { definition, ctx, link, attachments, live }), meta: {} };
    if (message.t === "panel") return { output: await answerPanel(message, { definition, ctx: panelCtx(live), live }), meta: {} };
    const { stream } = message;
    const cap = nameOf(message);
    const answer = message.t === "role" ? this.#role(live, message) : this.#call(live, message, attachments);
    if (isFrames(answer)) {
      if (stream) return this.#frames(live, answer);
      void answer.return(undefined).catch(() => {});
      throw new HnError("bad_request", { message: `${cap} answers as a stream. Call it as one, in a terminal with --stream.` });
    }
    const result = checkedResult(cap, await answer);
    // Asked as a stream, one answer is a summary with nothing before it.
    return stream ? result.output : result;
  }

  #call(live: Live, message: CallMessage, attachments: Attachments): ReturnType<Handler> {
    const { definition, ctx, request } = this.#options;
    const { cap } = message;
    const handler = Object.hasOwn(definition.capabilities ?? {}, cap) ? definition.capabilities?.[cap] : undefined;
    if (handler === undefined) throw new HnError("not_implemented", { message: `The plugin has no handler for ${cap}.` });
    return handler(request(message, attachments, live), ctx);
  }

  #role(live: Live, { role, method, body, caller, trace: traceId }: RoleMessage): ReturnType<Handler> {
    const { definition, ctx } = this.#options;
    const req = { input: (body["input"] ?? {}) as JsonObject, caller, traceId, signal: live.signal };
    return answerRole(definition, { role, method, req, frames: live.inbox ?? nothing(), ctx });
  }

  #inbox(id: number): FrameInbox {
    const { channel } = this.#options;
    return new FrameInbox((frames) => void channel.send({ t: "credit", id, frames }).catch(() => {}));
  }

  async #frames(live: Live, frames: AsyncGenerator<unknown, unknown, void>): Promise<object> {
    const { signal } = live.cancelled;
    for (;;) {
      if (live.credit === 0) await this.#creditOrCancel(live);
      if (signal.aborted) {
        await frames.return(undefined);
        throw signal.reason;
      }
      const next = await frames.next();
      if (next.done === true) {
        if (next.value === undefined) return {};
        if (isObject(next.value)) return next.value;
        throw new TypeError(
          `A stream must return an object as its summary, or nothing; this one returned ${kindOf(next.value)}.`,
        );
      }
      const { event, data } = next.value as { event: unknown; data: unknown };
      if (typeof event !== "string" || !isObject(data)) {
        await frames.return(undefined);
        throw new TypeError('A stream must yield frame("event", {…}).');
      }
      if (signal.aborted) continue;
      await this.#put(live, { event, data });
    }
  }

  /** Sends when there is credit. @throws AbortError once the call has ended or was cancelled */
  async #send(live: Live, frame: Frame): Promise<void> {
    if (live.credit === 0) await this.#creditOrCancel(live);
    if (live.cancelled.aborted) throw live.cancelled.signal.reason;
    if (live.ended.aborted) throw abortError("The WebSocket has ended.");
    await this.#put(live, frame);
  }

  /** What is on its way goes before the end. */
  async #flushed(live: Live): Promise<void> {
    live.wake?.();
    await live.tail;
  }

  async #put(live: Live, { event, data }: Frame): Promise<void> {
    live.credit -= 1;
    const { json, attachments } = split({ [event]: data });
    await this.#options.channel.send({ t: "frame", id: live.id, event, data: json[event] as JsonObject }, attachments);
  }

  async #creditOrCancel(live: Live): Promise<void> {
    while (live.credit === 0 && !live.cancelled.aborted && !live.ended.aborted) {
      await new Promise<void>((resolve) => (live.wake = resolve));
    }
    live.wake = undefined;
  }
}

const isSocket = ({ socket }: HttpMessage): boolean => socket !== undefined;

type Handler = NonNullable<PluginDefinition["capabilities"]>[string];

async function* nothing(): AsyncGenerator<Frame, void, void> {}

function nameOf(message: CallMessage | RoleMessage): string {
  return message.t === "role" ? `${message.role} ${message.method}` : message.cap;
}

function subjectOf(message: Asked): JsonObject {
  if (message.t === "call") return { capability: message.cap };
  if (message.t === "role") return { role: message.role, method: message.method };
  return message.t === "http" ? { route: message.route } : { panel: message.panel, method: message.method };
}

function isFrames(value: unknown): value is AsyncGenerator<unknown, unknown, void> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value && "next" in value;
}

function checkedResult(cap: string, result: unknown): { output: object; meta: object } {
  if (!isObject(result) || !isObject(result["output"])) {
    throw new TypeError(`The handler of ${cap} must return { output: {…}, meta?: {…} }; it returned ${kindOf(result)}.`);
  }
  const meta = result["meta"] ?? {};
  if (!isObject(meta)) throw new TypeError(`The handler of ${cap} returned ${kindOf(meta)} as meta; it must be an object.`);
  return { output: result["output"], meta };
}
