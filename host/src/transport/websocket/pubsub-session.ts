import type { Room } from "../http/room.ts";
import type { Subscription } from "../pubsub/desk.ts";
import { tell } from "../pubsub/tell.ts";
import { malformed } from "./client-message.ts";
import { CLOSE } from "./close-code.ts";
import type { Admitted } from "./door.ts";
import { LiveSocket } from "./live-socket.ts";

/**
 * One topic over one WebSocket, until the client leaves. The first frame, `ready`, says epoch and newest number; then what is there already
 * when the client names a number, then what comes. A frame's number is that of its message; `gap` says that some before it are lost.
 * @source 02 §8, T-15, T-16
 */
export class PubsubSession {
  readonly #admitted: Admitted;
  readonly #live: LiveSocket;
  readonly #subscription: Subscription;
  readonly #leaving: AbortController = new AbortController();
  readonly #forget: () => void;

  /** @throws as `Desk.subscribe` · bad_request */
  constructor(room: Room, admitted: Admitted) {
    this.#admitted = admitted;
    const { passage, visit, socket } = admitted;
    this.#subscription = room.desk.subscribe(passage.caller, passage.body?.["topic"]);
    this.#live = new LiveSocket(room, {
      socket,
      passage,
      pongCounts: true,
      onMessage: (message) => {
        if (message.type !== "cancel") throw malformed("A subscription takes acknowledgements and a cancel, nothing else.");
        this.#live.done({ stop_reason: "cancelled" });
        this.#leaving.abort();
      },
      onIdle: () => this.#leave(CLOSE.normal),
      onBroken: () => this.#leaving.abort(),
    });
    this.#forget = room.sockets.onLeaving(() => this.#leave(CLOSE.goingAway));
    visit.signal.addEventListener("abort", () => {
      this.#live.stop(visit.signal.reason);
      this.#leaving.abort();
    });
  }

  /** Resolves when the subscription has ended, however it ended. */
  async run(): Promise<void> {
    const { visit } = this.#admitted;
    try {
      await this.#tell();
      if (visit.refusal !== undefined) throw visit.refusal;
    } catch (error) {
      this.#live.failed(visit.refusal ?? error);
    } finally {
      this.#forget();
      this.#subscription.end();
    }
  }

  async #tell(): Promise<void> {
    const body = this.#admitted.passage.body ?? {};
    for await (const { event, data, seq } of tell(this.#subscription, body, this.#leaving.signal))
      await this.#live.frame({ event, data: data as never }, seq);
  }

  #leave(code: number): void {
    this.#live.leave(code);
    this.#leaving.abort();
  }
}
