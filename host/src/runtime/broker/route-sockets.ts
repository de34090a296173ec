/** WebSockets on the routes of one plugin process. @source plugin-platform §2.4, §3.4.3, §6.4 */
import {
  CONSTANTS,
  type Cancellation,
  type Clock,
  type Frame,
  type JsonObject,
  type MountedRoute,
  type RouteRequest,
  type SocketEnd,
  type SocketMessage,
} from "../../contract/index.ts";
import { HnError, LateSignal } from "../../foundation/index.ts";
import { readSocketEnd, readSocketFrame, socketFrame } from "../../format/index.ts";
import { denied } from "../permission/index.ts";
import type { OpUse } from "./op-desk.ts";
import { routeQuestion, type Question } from "./question.ts";

/** Of one plugin at once. */
const SOCKETS_MAX = 64;
const RETRY_MS = 5000;
/** Nothing lasts for ever: rights, settings and members are looked at anew with the next one. */
const LIFE_MS = 86_400_000;

export interface RouteSocketsOptions {
  clock: Clock;
  /** Asks the process what is answered with frames. */
  follow: (question: Question, cancellation: Cancellation) => AsyncGenerator<Frame, JsonObject, void>;
  /** @throws capacity_exceeded while the process takes nobody in */
  checkOpen: () => void;
  onAllowed: (use: OpUse) => void;
  onDenied: (use: OpUse) => void;
  /** For the plugin's log. */
  onFault: (text: string) => void;
}

interface Talk {
  route: MountedRoute;
  cancellation: LateSignal;
  bytesIn: number;
  bytesOut: number;
}

export class RouteSockets {
  readonly #o: RouteSocketsOptions;
  readonly #open = new Set<Talk>();

  constructor(options: RouteSocketsOptions) {
    this.#o = options;
  }

  /** One WebSocket, for as long as both sides, the right and this release last. @throws capacity_exceeded · what the plugin reports */
  async *talk(
    route: MountedRoute,
    o: { request: RouteRequest; protocol: string | null; incoming: AsyncIterable<SocketMessage> },
  ): AsyncGenerator<SocketMessage, SocketEnd, void> {
    this.#o.checkOpen();
    if (this.#open.size >= SOCKETS_MAX)
      throw new HnError("capacity_exceeded", { reason: "plugin_sockets_full", retryAfterMs: RETRY_MS });
    const { request, protocol } = o;
    const talk: Talk = { route, cancellation: cancelledBy(request.signal), bytesIn: 0, bytesOut: 0 };
    const name = `${route.method} ${route.path}`;
    const socket = { protocol, frames: framesOf(o.incoming, talk) };
    const deadline = this.#o.clock.monotonic() + LIFE_MS;
    this.#open.add(talk);
    try {
      const frames = this.#o.follow(routeQuestion(request, { route: name, deadline, socket }), talk.cancellation);
      this.#o.onAllowed(useOf(talk, { op: "http.socket.open", trace: request.traceId, denied: false }));
      return yield* messagesOf(frames, talk);
    } catch (error) {
      if (HnError.isHnError(error) && (error.code === "internal_error" || error.reason === "protocol_error"))
        this.#o.onFault(`${name}: ${error.message}`);
      throw error;
    } finally {
      this.#open.delete(talk);
      const taken = isDenial(talk.cancellation.reason);
      const use = useOf(talk, { op: "http.socket.close", trace: request.traceId, denied: taken });
      if (taken) this.#o.onDenied(use);
      else this.#o.onAllowed(use);
    }
  }

  /** Their clients come again, and find the successor. @source §6.4 */
  end(): void {
    for (const { cancellation } of this.#open)
      cancellation.abort(
        new HnError("partition", { message: "The plugin stops, or another version takes over. Connect again." }),
      );
  }

  /** The right to a route is gone. @source §3.4.3 */
  endUnless(mayStay: (route: MountedRoute) => boolean): void {
    for (const { route, cancellation } of this.#open) if (!mayStay(route)) cancellation.abort(denied("http.mount", route.path));
  }
}

async function* messagesOf(
  frames: AsyncGenerator<Frame, JsonObject, void>,
  talk: Talk,
): AsyncGenerator<SocketMessage, SocketEnd, void> {
  try {
    for (;;) {
      const step = await frames.next();
      if (step.done === true) return readSocketEnd(step.value);
      const message = readSocketFrame(step.value);
      const size = Buffer.byteLength(message);
      if (size > CONSTANTS.FRAME_MAX_BYTES)
        throw new HnError("internal_error", { message: "The plugin wants to send a message of more than 1 MiB." });
      talk.bytesOut += size;
      yield message;
    }
  } finally {
    await frames.return({});
  }
}

/** What a client sends, as frames that follow the question. */
async function* framesOf(incoming: AsyncIterable<SocketMessage>, talk: Talk): AsyncGenerator<Frame, void, void> {
  for await (const message of incoming) {
    talk.bytesIn += Buffer.byteLength(message);
    yield socketFrame(message);
  }
}

function useOf({ route, bytesIn, bytesOut }: Talk, o: { op: string; trace: string; denied: boolean }): OpUse {
  return { ...o, permission: "http.mount", target: `${route.method} ${route.path}`, bytesIn, bytesOut };
}

const isDenial = (reason: unknown): boolean => HnError.isHnError(reason) && reason.code === "permission_denied";

export function cancelledBy(signal: AbortSignal): LateSignal {
  const cancellation = new LateSignal();
  if (signal.aborted) cancellation.abort(signal.reason);
  else signal.addEventListener("abort", () => cancellation.abort(signal.reason), { once: true });
  return cancellation;
}
