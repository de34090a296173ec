/** Some nodes of one community in one process: real stores and real rooms, between them lines and a clock that the test moves. */
import { setImmediate as turn } from "node:timers/promises";
import { HnError, type Frame, type NodeId, type View } from "@hearthnet/sdk-plugin";
import { read } from "../../src/capabilities/read.ts";
import { DEFAULTS, type FilesConfig } from "../../src/config.ts";
import { openFetching, type Clock, type FetchDone, type Fetching, type Reach } from "../../src/fetch/index.ts";
import { Copies, FREE_BYTES, openReplicating, type Replicating } from "../../src/replicate/index.ts";
import { openTestStore, type TestStore } from "./test-store.ts";

type Event = Parameters<View["apply"]>[0];
type Level = "member" | "anchor";

/** Pauses pass at once; what is longer only when the test moves the clock. */
export class StreetClock implements Clock {
  at: number = Date.UTC(2026, 0, 1);
  readonly #late = new Set<{ due: number; step: () => void }>();

  now(): number {
    return this.at;
  }

  after(ms: number, step: () => void): () => void {
    const timer = { due: this.at + ms, step };
    if (ms >= 30_000) {
      this.#late.add(timer);
      return () => void this.#late.delete(timer);
    }
    const soon = setImmediate(() => {
      this.at = Math.max(this.at, timer.due);
      step();
    });
    return () => clearImmediate(soon);
  }

  /** How many long waits there are. */
  get waiting(): number {
    return this.#late.size;
  }

  advance(ms: number): void {
    this.at += ms;
    for (const timer of this.#late) if (timer.due <= this.at && this.#late.delete(timer)) timer.step();
  }
}

/** What a house does instead of answering honestly. */
export type Answer = (
  input: { cid: string; chunks?: number[]; describe?: boolean },
  honest: () => AsyncGenerator<Frame, object, void>,
  signal: AbortSignal,
) => AsyncGenerator<Frame, object, void>;

export interface House {
  id: NodeId;
  level: Level;
  isUp: boolean;
  test: TestStore;
  fetching: Fetching;
  replicating: Replicating;
  copies: Copies;
  config: FilesConfig;
  /** Says how it answers `file.read`. */
  answer: Answer | null;
  /** Chunks that have left it. */
  sent: number;
  /** Requests for something to read. */
  asked: number;
  /** Answers that are not over. */
  open: number;
  params: Record<string, number>;
  /** Lines of its log that warn. */
  warned: string[];
  /** Lines that only whoever looks for them sees. */
  whispered: string[];
  /** What it wants to be said in the DHT at the moment, and everything that it ever wanted to be. */
  said: Set<string>;
  everSaid: string[];
  /** Why it did what it did, as its log says. */
  told: string[];
  /** Topics on which it has published. */
  published: string[];
  /** Why it cannot publish; null while it can. */
  topicFault: HnError | null;
  /** Whether it has the internet, and who wants to know. */
  internet: boolean;
  onInternet: () => void;
}

export class Street {
  readonly clock: StreetClock = new StreetClock();
  readonly houses: House[] = [];
  readonly log: Event[] = [];
  /** Why the DHT refuses everything; null while it answers. */
  dhtFault: HnError | null = null;
  readonly #known = new Map<House, number>();
  readonly #byClientId = new Map<string, Event>();
  readonly #over = new AbortController();

  /** @param count  of houses, named a, b, c … */
  static async open(count: number, config: Partial<FilesConfig> = {}): Promise<Street> {
    const street = new Street();
    for (let n = 0; n < count; n += 1) await street.#build(String.fromCharCode(97 + n), config);
    return street;
  }

  house(n: number): House {
    const house = this.houses[n];
    if (house === undefined) throw new Error(`There is no house ${n}.`);
    return house;
  }

  /** Everything the log has is known in every house that is up. */
  settle(): void {
    for (const house of this.houses.filter(({ isUp }) => isUp)) {
      for (const event of this.log.slice(this.#known.get(house) ?? 0)) void house.copies.view.apply(event, "member");
      this.#known.set(house, this.log.length);
    }
  }

  events(type: string): Event[] {
    return this.log.filter(({ event_type }) => event_type === type);
  }

  async fetch(house: House, cid: string, sources: House[] = [], signal?: AbortSignal): Promise<FetchDone & { frames: Frame[] }> {
    const wish = { cid, sources: sources.map(({ id }) => id), priority: "normal" as const };
    const going = house.fetching.fetch({ ...wish, signal: signal ?? this.#over.signal });
    const frames: Frame[] = [];
    for (;;) {
      const next = await going.next();
      if (next.done === true) return { ...next.value, frames };
      frames.push(next.value);
    }
  }

  /** A minute's work of every house that is up, and what follows from it. */
  async tick(): Promise<void> {
    for (const house of this.houses.filter(({ isUp }) => isUp)) {
      await house.replicating.tick();
      this.settle();
      await house.replicating.idle();
      this.settle();
    }
    for (let n = 0; n < 5; n += 1) await turn();
    this.settle();
  }

  close(): void {
    this.#over.abort();
    for (const { test } of this.houses) test.close();
  }

  async #build(name: string, config: Partial<FilesConfig>): Promise<void> {
    const test = await openTestStore({ now: () => this.clock.at });
    const copies = new Copies();
    const house = { id: `ed25519:${name}`, level: "member", isUp: true, test, copies } as unknown as House;
    Object.assign(house, {
      answer: null,
      sent: 0,
      asked: 0,
      open: 0,
      params: {},
      warned: [],
      whispered: [],
      told: [],
      said: new Set(),
      everSaid: [],
      published: [],
      topicFault: null,
      internet: true,
      onInternet: () => {},
      config: { ...DEFAULTS, ...config },
    });
    this.houses.push(house);
    const { store, hasher, db } = test;
    const outward = {
      ctx: this.#reach(house),
      db,
      store,
      hasher,
      clock: this.clock,
      config: () => house.config,
      holders: (cid: string) => copies.holders(cid),
    };
    house.fetching = openFetching(outward);
    const offer = async (freeBytes: number): Promise<void> => {
      house.params = freeBytes > 0 ? { [FREE_BYTES]: freeBytes } : {};
    };
    house.replicating = openReplicating({ ...outward, fetching: house.fetching, copies, offer });
  }

  #reach(from: House): Reach {
    const at = (node: NodeId | undefined): House => {
      const house = this.houses.find(({ id }) => id === node);
      if (house?.isUp === true && from.isUp) return house;
      throw new HnError("partition", { reason: "provider_unreachable" });
    };
    const call = async (capability: string, body: { input?: object }, o: { node?: NodeId } = {}): Promise<never> => {
      await turn();
      const { test, fetching } = at(o.node);
      const { prefix, limit, cids } = body.input as { prefix: string; limit: number; cids: string[] };
      const output =
        capability === "file.list@1"
          ? { cids: test.store.list({ viewer: "member", prefix, limit }) }
          : { recorded: fetching.advertised(from.id, cids) };
      return { output, meta: {}, provider: o.node } as never;
    };
    const warn = (message: string): void => void from.warned.push(message);
    return {
      call,
      stream: (_capability, body, o = {}) =>
        this.#carry(from, { at: () => at(o.node), input: body.input as never, signal: o.signal ?? this.#over.signal }),
      providers: async () =>
        this.houses.filter(({ isUp }) => isUp).map(({ id, params }) => ({ node: id, params: { ...params } })),
      log: {
        debug: (message) => void from.whispered.push(message),
        info: (_message, fields: { why?: string } = {}) => void from.told.push(fields.why ?? ""),
        warn,
        error: warn,
      },
      signal: this.#over.signal,
      identity: { nodeId: from.id },
      events: { append: async (type, data, { clientId }) => this.#append(from, type, { data, clientId }) },
      pubsub: {
        publish: async (topic) => {
          if (from.topicFault !== null) throw from.topicFault;
          from.published.push(topic);
        },
      },
      availability: {
        get: (flag) => flag !== "internet" || from.internet,
        on: (listener) => {
          from.onInternet = listener;
          return () => {};
        },
      },
      dht: this.#dhtOf(from),
      grants: { has: () => true, on: () => () => {} },
      community: {
        members: async () =>
          this.houses.map(({ id, level }) => ({ node_id: id, display_name: id, level, added_at: "2026-01-01T00:00:00Z" })),
      },
    };
  }

  #dhtOf(from: House): Reach["dht"] {
    const reached = async (): Promise<void> => {
      await turn();
      if (this.dhtFault !== null) throw this.dhtFault;
    };
    return {
      findSources: async (cid) => {
        await reached();
        return this.houses.flatMap(({ id, said }) => (said.has(cid) && id !== from.id ? [id] : []));
      },
      advertiseCid: async (cid) => {
        from.everSaid.push(cid);
        await reached();
        from.said.add(cid);
      },
      withdrawCid: async (cid) => {
        await reached();
        from.said.delete(cid);
      },
    };
  }

  async *#carry(
    from: House,
    o: { at: () => House; input: { cid: string; chunks?: number[] }; signal: AbortSignal },
  ): AsyncGenerator<Frame, never, void> {
    await turn();
    const to = o.at();
    to.asked += 1;
    to.open += 1;
    const honest = (): AsyncGenerator<Frame, object, void> => {
      const caller = { kind: "member", node_id: from.id } as never;
      return read({ input: o.input, caller, elapsedMs: () => 0 }, to.test.store) as AsyncGenerator<Frame, object, void>;
    };
    const frames = to.answer === null ? honest() : to.answer(o.input, honest, o.signal);
    try {
      for (;;) {
        const next = await frames.next();
        o.at();
        o.signal.throwIfAborted();
        if (next.done === true) return next.value as never;
        if (next.value.event === "chunk") to.sent += 1;
        yield next.value;
      }
    } finally {
      await frames.return({});
      to.open -= 1;
    }
  }

  #append(author: House, type: string, o: { data: object; clientId: string }): { event_id: string; lamport: number } {
    const known = this.#byClientId.get(o.clientId);
    const event: Event =
      known ??
      ({
        schema_version: 1,
        event_id: o.clientId,
        lamport: this.log.length + 1,
        wall_clock: new Date(this.clock.at).toISOString(),
        community_id: "ed25519:street",
        author: author.id,
        event_type: type,
        data: o.data,
        signature: "",
      } as unknown as Event);
    if (known === undefined) this.log.push(event);
    this.#byClientId.set(o.clientId, event);
    return { event_id: event.event_id, lamport: event.lamport };
  }
}

/** Sends the first chunks as they are, and something else in place of the one after. */
export function corruptAfter(count: number): Answer {
  return async function* (_input, honest) {
    let sent = 0;
    const frames = honest();
    for (;;) {
      const next = await frames.next();
      if (next.done === true) return next.value;
      const { event, data } = next.value;
      if (event !== "chunk" || sent++ < count) yield next.value;
      else
        yield { event, data: { ...data, data_b64: new Uint8Array((data["data_b64"] as unknown as Uint8Array).length) as never } };
    }
  };
}
