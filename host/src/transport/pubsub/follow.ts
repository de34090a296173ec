import { HnError } from "../../foundation/index.ts";
import type { CommunityId, JsonObject, JsonValue, Random, Timer, TopicFollowing } from "../../contract/index.ts";
import { exchange, withClockRetry, type Letter, type Wire } from "../outbound/exchange.ts";
import { readWireError } from "../outbound/failure.ts";
import { Patience } from "../outbound/patience.ts";
import { closeSoon, type BusSocket } from "../websocket/bus-socket.ts";
import { NoSocket } from "../websocket/dial.ts";
import { FrameReader } from "../websocket/frame-reader.ts";
import { openSigned } from "../websocket/open-signed.ts";
import { TOPICS } from "../session/handshake.ts";
import type { PeerSession } from "../session/peer-session.ts";
import type { PeerSessions } from "../session/sessions.ts";
import { hearOnSession } from "./by-session.ts";
import { SUBSCRIBE } from "./poll-route.ts";
import type { Told } from "./tell.ts";

const OPEN_MS = 10_000;
const POLL_SECONDS = 30;
/** A poll's own waiting, and what the way there and back may take. */
const POLL_MS = (POLL_SECONDS + 10) * 1000;
/** Two pings and some: the way is cut even if nobody said so. */
const SILENCE_MS = 75_000;
const BACKOFF_MIN_MS = 1000;
const BACKOFF_MAX_MS = 30_000;
/** What trying again does not change. */
const FINAL: ReadonlySet<string> = new Set(["not_found", "unauthorized", "revoked", "not_federated", "federation_forbidden"]);

interface FollowerOptions {
  community: () => CommunityId;
  random: Random;
  sessions: Pick<PeerSessions, "live">;
}

/**
 * Listens to a topic of a neighbour until it is ended: on the session that stands, else over a WebSocket where there is one, else by long polls.
 * What breaks off is taken up again where it was, with a pause that doubles up to 30 s; another start of the neighbour begins anew.
 * @returns ends it
 * @source 02 §7.2, §8
 */
export function followTopic(wire: Wire, o: TopicFollowing, more: FollowerOptions): () => void {
  const follower = new Follower(wire, o, more);
  void follower.run();
  return () => follower.end();
}

class Follower {
  readonly #wire: Wire;
  readonly #o: TopicFollowing;
  readonly #community: () => CommunityId;
  readonly #random: Random;
  readonly #sessions: Pick<PeerSessions, "live">;
  readonly #ended: AbortController = new AbortController();
  #epoch: string | undefined;
  #seq = 0;
  #backoffMs = BACKOFF_MIN_MS;
  /** This neighbour takes no WebSocket; asked again after a break. */
  #polls = false;

  constructor(wire: Wire, o: TopicFollowing, more: FollowerOptions) {
    this.#wire = wire;
    this.#o = o;
    this.#community = more.community;
    this.#random = more.random;
    this.#sessions = more.sessions;
  }

  end(): void {
    this.#ended.abort();
  }

  async run(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        const session = this.#session();
        await (session !== undefined ? this.#hear(session) : this.#polls ? this.#poll() : this.#listen());
      } catch (thrown) {
        if (signal.aborted) return;
        if (thrown instanceof NoSocket) {
          this.#polls = true;
          continue;
        }
        const error = HnError.from(thrown);
        if (FINAL.has(error.code)) return this.#o.onEnd?.(error);
        this.#polls = false;
        await this.#pause(error.retryAfterMs ?? 0);
      }
    }
  }

  /** Nothing is dialled for a topic. */
  #session(): PeerSession | undefined {
    const session = this.#sessions.live(this.#o.to);
    const carries = session?.isLive === true && !session.isSuspect && session.established.features.includes(TOPICS);
    return carries && session.established.peerCommunity === this.#community() ? session : undefined;
  }

  async #hear(session: PeerSession): Promise<void> {
    const requestId = this.#wire.newId();
    const told = hearOnSession(session, { body: this.#question(), requestId, openMs: OPEN_MS, signal: this.#ended.signal });
    for await (const one of told) this.#heard(one);
  }

  /** Where it goes on. */
  #question(): JsonObject {
    return { topic: this.#o.topic, ...(this.#epoch === undefined ? {} : { since_seq: this.#seq, epoch: this.#epoch }) };
  }

  async #listen(): Promise<void> {
    const time = new Patience(this.#wire.clock, { signal: this.#ended.signal, timeoutMs: OPEN_MS });
    let socket: BusSocket | undefined;
    let forget: (() => void) | undefined;
    try {
      const { to } = this.#o;
      ({ socket } = await openSigned(this.#wire, {
        letter: { ...this.#letter(this.#question()), time },
        path: "/pubsub/v1/subscribe",
      }));
      const open = socket;
      const onLife = (): void => time.extend(SILENCE_MS);
      const reader = new FrameReader({ socket, clock: this.#wire.clock, gapless: false, onLife });
      time.interruptWith((error) => reader.fail(error));
      forget = this.#wire.sockets.add(to, (error) => {
        reader.fail(error);
        open.terminate();
      });
      for (;;) {
        const { event, data, seq } = await reader.next();
        if (event === "error") throw readWireError(data);
        if (event === "done") throw new HnError("partition", { reason: "stream_cut" });
        if (event === "ready" || event === "gap" || event === "published") this.#heard({ event, data, seq });
      }
    } finally {
      time.stop();
      forget?.();
      if (socket !== undefined) closeSoon(socket, this.#wire.clock);
    }
  }

  #heard({ event, data, seq }: Told): void {
    this.#backoffMs = BACKOFF_MIN_MS;
    if (event === "ready") {
      const { epoch } = data;
      const isOther = this.#epoch !== undefined && epoch !== this.#epoch;
      if (typeof epoch !== "string") throw new HnError("partition", { reason: "stream_cut" });
      this.#epoch = epoch;
      // Numbers of another start say nothing; what comes now is counted from where it begins.
      if (isOther || this.#seq === 0) this.#seq = seq;
    } else if (event === "gap") this.#o.onGap?.();
    else {
      this.#seq = seq;
      this.#o.onMessage(data);
    }
  }

  async #poll(): Promise<void> {
    const time = new Patience(this.#wire.clock, { signal: this.#ended.signal, timeoutMs: POLL_MS });
    try {
      const body: Record<string, string> = { topic: this.#o.topic, timeout: String(POLL_SECONDS) };
      // The first question only learns where the numbers stand.
      if (this.#epoch === undefined) Object.assign(body, { timeout: "0" });
      else Object.assign(body, { last_seq: String(this.#seq), epoch: this.#epoch });
      const path = `/pubsub/v1/subscribe?${new URLSearchParams(body).toString()}`;
      const letter = { ...this.#letter(body), method: "GET" as const, path, accept: "application/json", time };
      this.#take(await withClockRetry(this.#wire, this.#o.to, () => exchange(this.#wire, letter)));
    } finally {
      time.stop();
    }
  }

  #take(reply: JsonObject): void {
    const { epoch, last_seq: last, messages = [], gap } = reply;
    if (typeof epoch !== "string" || typeof last !== "number" || !Number.isSafeInteger(last) || !Array.isArray(messages))
      throw new HnError("partition", { reason: "stream_cut" });
    this.#backoffMs = BACKOFF_MIN_MS;
    const isFirst = this.#epoch === undefined;
    this.#epoch = epoch;
    this.#seq = last;
    if (isFirst) return;
    if (gap === true) this.#o.onGap?.();
    for (const message of messages) this.#o.onMessage((message as { data?: JsonValue } | null)?.data ?? null);
  }

  #letter(body: JsonObject): Pick<Letter, "to" | "endpoints" | "capability" | "version" | "community" | "body"> {
    const { to, endpoints } = this.#o;
    return { to, endpoints: endpoints(), capability: SUBSCRIBE, version: "1.0", community: this.#community(), body };
  }

  /** Between half and the whole of a time that doubles, so that neighbours do not come back in step. */
  async #pause(atLeastMs: number): Promise<void> {
    const jitter = (this.#random(1)[0] ?? 0) / 255;
    const ms = Math.max(atLeastMs, this.#backoffMs * (0.5 + jitter / 2));
    this.#backoffMs = Math.min(BACKOFF_MAX_MS, this.#backoffMs * 2);
    const { signal } = this.#ended;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer: Timer = this.#wire.clock.setTimeout(resolve, ms);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    timer.cancel();
  }
}
