/** All connections of one life of one plugin. @source plugin-platform §3.1 `net.open`, §3.4.3 */
import type { Clock } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { Undecided, type Target } from "../permission/index.ts";
import type { EgressFigures, EgressMeter } from "./egress.ts";
import type { Settings } from "./endpoints.ts";
import { netOpen, unreachable, type Connection } from "./open.ts";
import { lostReach, type Rights } from "./reach.ts";
import type { Talk } from "./talk.ts";
import type { NetWays } from "./ways.ts";

export interface NetworkOptions {
  /** As they stand now. */
  settings: () => Settings;
  meter: EgressMeter;
  ways: NetWays;
  clock: Clock;
}

/** Where the bytes of a plugin go that follow a first op. */
export interface Writer {
  /** Resolves when they were taken; until then they count as unsent. */
  write: (piece: Piece) => Promise<void>;
  end: (how: { code: number | undefined; reason: string }) => void;
}

export interface Piece {
  bytes: Uint8Array;
  /** Of a WebSocket: send it as text. */
  text: boolean;
  /** Of datagrams: where to. */
  to: Target | undefined;
}

const OPEN_MAX = 16;
/** Unsent bytes of one connection; whoever sends more does not wait for answers. */
const UNSENT_MAX = 1_048_576;

export class Network {
  readonly options: NetworkOptions;
  readonly #open = new Map<Connection, { ending: AbortController; talk: Talk }>();
  readonly #writers = new Map<number, { writer: Writer; unsent: number }>();
  #places = 0;
  #lastHandle = 0;

  constructor(options: NetworkOptions) {
    this.options = options;
  }

  get size(): number {
    return this.#places;
  }

  /** One op's rights, with the settings they lean on. */
  rights(talk: Pick<Talk, "grants">): Rights {
    return { grants: talk.grants(), settings: this.options.settings() };
  }

  egress(): EgressFigures {
    return this.options.meter.figures();
  }

  /**
   * Opens a connection for as long as the work takes; ending the talk's signal ends it at once.
   * @param o.also  what else is needed there, asked together with the way itself
   * @throws capacity_exceeded when too many are open · as `netOpen` · what the work throws
   */
  async use<T>(
    o: { target: Target; tls: boolean; talk: Talk; also?: readonly (() => void)[] },
    work: (connection: Connection, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return this.place(async () => {
      const ending = new AbortController();
      const { talk } = o;
      const signal = AbortSignal.any([talk.signal, ending.signal]);
      const connection = await netOpen({ ...this.options, ...o, signal });
      const close = (): void => void connection.stream.destroy(signal.reason instanceof Error ? signal.reason : undefined);
      signal.addEventListener("abort", close);
      this.#open.set(connection, { ending, talk });
      try {
        // What was decided while it was being opened had nothing to end yet.
        const lost = this.#lost(connection, talk);
        if (lost !== undefined) throw lost;
        return await work(connection, signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (error instanceof Undecided) throw error;
        const { errored } = connection.wire;
        throw unreachable(o.target, HnError.isHnError(errored) || errored === null ? (errored ?? error) : error);
      } finally {
        signal.removeEventListener("abort", close);
        this.#open.delete(connection);
        connection.stream.destroy();
        connection.wire.destroy();
      }
    });
  }

  /** @throws capacity_exceeded */
  async place<T>(work: () => Promise<T>): Promise<T> {
    if (this.#places >= OPEN_MAX) {
      throw new HnError("capacity_exceeded", {
        message: `The plugin has ${OPEN_MAX} connections open, which is as many as it may have.`,
        action: "Read or cancel the answers of former requests first.",
        retryAfterMs: 1000,
      });
    }
    this.#places += 1;
    try {
      return await work();
    } finally {
      this.#places -= 1;
    }
  }

  /** Rights or settings have changed: what they no longer cover ends. */
  recheck(): void {
    for (const [connection, { ending, talk }] of this.#open) {
      const lost = this.#lost(connection, talk);
      if (lost !== undefined) ending.abort(lost);
    }
  }

  #lost({ kind, target }: Connection, talk: Talk): HnError | undefined {
    return lostReach(kind, target, this.rights(talk));
  }

  /** Lends the plugin a handle while the work runs. */
  async lend<T>(writer: Writer, work: (handle: number) => Promise<T>): Promise<T> {
    const handle = (this.#lastHandle += 1);
    this.#writers.set(handle, { writer, unsent: 0 });
    try {
      return await work(handle);
    } finally {
      this.#writers.delete(handle);
    }
  }

  /** @throws not_found when it has ended · bad_request when more is unsent than may be · what breaks the connection */
  async write(handle: number, piece: Piece): Promise<void> {
    const entry = this.#writers.get(handle);
    if (entry === undefined) throw new HnError("not_found", { message: "This connection has ended." });
    const size = piece.bytes.byteLength;
    if (entry.unsent + size > UNSENT_MAX) {
      throw new HnError("bad_request", {
        reason: "too_large",
        message: `At most ${UNSENT_MAX} bytes wait on one connection. Wait for each piece to be taken.`,
      });
    }
    entry.unsent += size;
    try {
      await entry.writer.write(piece);
    } finally {
      entry.unsent -= size;
    }
  }

  /** What has ended already is ended. */
  end(handle: number, how: { code: number | undefined; reason: string }): void {
    this.#writers.get(handle)?.writer.end(how);
  }
}
