/** One call as its handler sees it. @source plugin-platform §4.3 */
import type { Frame, HostMessage, JsonObject } from "@hearthnet/host/contract";
import type { Attachments } from "@hearthnet/host/format";
import { bytesOf, type HnBytes } from "../bytes.ts";
import type { Caller, Req } from "../context.ts";
import { openBlobs } from "./blobs.ts";
import { openCaller } from "./caller.ts";
import type { LiveCall } from "./calls.ts";
import { openEventReader } from "./commons.ts";
import type { HostLink, Parent } from "./host-link.ts";

/** The call's own end: what it started runs no longer than it does. */
export type RunningCall = Parent & { signal: AbortSignal };

async function* nothing(): AsyncGenerator<Frame, void, void> {}

/** What a handler does not touch is not made: getters give functions that may be taken out of the object. */
export class CallRequest implements Req {
  readonly id: string;
  readonly traceId: string;
  readonly capability: string;
  readonly caller: Req["caller"];
  readonly sessionId: string | undefined;
  readonly params: JsonObject;
  readonly input: JsonObject;
  readonly deadline: number;
  readonly #link: HostLink;
  readonly #attachments: Attachments;
  readonly #live: LiveCall;
  readonly #started: number = performance.now();
  #caller: Caller | undefined;
  #views: Map<string, HnBytes> | undefined;

  constructor(link: HostLink, o: { message: Extract<HostMessage, { t: "call" }>; attachments: Attachments; live: LiveCall }) {
    this.#link = link;
    this.#attachments = o.attachments;
    this.#live = o.live;
    const { message } = o;
    const { params = {}, input = {}, session_id: session } = message.body;
    this.id = message.requestId;
    this.traceId = message.trace;
    this.capability = message.cap;
    this.caller = message.caller;
    this.sessionId = typeof session === "string" ? session : undefined;
    this.params = params as JsonObject;
    this.input = input as JsonObject;
    this.deadline = Date.now() + message.deadlineMs;
  }

  get signal(): AbortSignal {
    return this.#live.signal;
  }

  get call(): Caller["call"] {
    return (...args) => this.#calls().call(...args);
  }

  get stream(): Caller["stream"] {
    return (...args) => this.#calls().stream(...args);
  }

  get blobs(): Req["blobs"] {
    return openBlobs(this.#link, this.#live);
  }

  get events(): Req["events"] {
    return openEventReader(this.#link, this.#live);
  }

  get binary(): Req["binary"] {
    return (pointer) => this.#view(pointer);
  }

  get elapsedMs(): Req["elapsedMs"] {
    return () => Math.round(performance.now() - this.#started);
  }

  get proof(): Req["proof"] {
    return async () => (await this.#link.op("identity.proof", {}, { parent: this.#live })).proof;
  }

  get frames(): Req["frames"] {
    return () => this.#live.inbox ?? nothing();
  }

  #calls(): Caller {
    return (this.#caller ??= openCaller(this.#link, this.#live));
  }

  #view(pointer: string): HnBytes | undefined {
    const data = this.#attachments.get(pointer);
    if (data === undefined) return undefined;
    this.#views ??= new Map();
    const view = this.#views.get(pointer) ?? bytesOf(data);
    this.#views.set(pointer, view);
    return view;
  }
}
