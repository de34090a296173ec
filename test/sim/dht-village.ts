/** Nodes of the DHT on the simulated network: the host's room, with real signatures unless they are too many, and neighbours that lie. */
import type { DhtContact, DhtEndpoint, DhtRpc, JsonObject, NodeId } from "../../host/src/contract/index.ts";
import { Dht, type DhtPorts, type Outgoing } from "../../host/src/dht/index.ts";
import { createUlidFactory, silentLog } from "../../host/src/foundation/index.ts";
import { importSeed, Signer, verifyTyped } from "../../host/src/identity/index.ts";
import { ask, readReply, reply, type Letters } from "../../host/src/dht/wire.ts";
import type { FastKeys } from "./fast-keys.ts";
import type { Place } from "./network.ts";
import type { World } from "./world.ts";

export interface Citizen {
  nodeId: NodeId;
  signer: Signer;
  crypto: DhtPorts["crypto"];
  endpoint: DhtEndpoint;
  place: Place;
  dht: Dht;
  letters: Letters;
  /** What it says instead of the truth: undefined for the truth, null for nothing at all. */
  lies: ((rpc: DhtRpc, question: JsonObject) => JsonObject | null | undefined) | undefined;
}

/** As of a home's line to another city. */
export const HOME_LINE = { latencyMs: 20, jitterMs: 60 };
const HEAD_BYTES = 500;
const ONE_BY_ONE = 20;
const JOIN_AT_ONCE = 40;

export interface Asked {
  to: NodeId;
  rpc: DhtRpc;
  question: JsonObject;
}

export class SimDhtVillage {
  readonly citizens: Citizen[] = [];
  readonly #world: World;
  readonly #byHost: Map<string, Citizen> = new Map();
  readonly #keys: FastKeys | undefined;
  #starts = 0;
  /** Told of every question, and again of every answer that has come to one. */
  onAsked: (from: Citizen, asked: Asked, answer?: JsonObject) => void = () => undefined;

  /** @param o.keys  instead of real signatures */
  constructor(world: World, o: { keys?: FastKeys } = {}) {
    this.#world = world;
    this.#keys = o.keys;
  }

  /** @param seed  32 bytes of its key; drawn unless given */
  add(seed?: Uint8Array): Citizen {
    const number = this.citizens.length + 1;
    const name = `citizen ${number}`;
    const bytes = seed ?? this.#world.random.fork(name).bytes(32);
    const { nodeId, key } = importSeed(bytes);
    const signer = new Signer(nodeId, key);
    const crypto: DhtPorts["crypto"] = this.#keys?.of(nodeId, bytes) ?? {
      sign: (kind, value) => signer.signDht(kind, value),
      verify: verifyTyped,
    };
    // Each in a subnet of its own.
    const endpoint = { host: `${1 + (number >> 8)}.${number & 255}.0.1`, port: 7080 };
    const started = this.#start(name, { nodeId, endpoint, crypto }, (question) => this.#carry(citizen, question));
    const citizen: Citizen = { nodeId, signer, crypto, endpoint, lies: undefined, ...started };
    this.citizens.push(citizen);
    this.#byHost.set(endpoint.host, citizen);
    return citizen;
  }

  /** Starts one anew that was killed: of all it knew it has its key. It still has to join. */
  revive(citizen: Citizen): void {
    const started = this.#start(citizen.place.name, citizen, (question) => this.#carry(citizen, question));
    Object.assign(citizen, started, { lies: undefined });
  }

  #start(
    name: string,
    { nodeId, endpoint, crypto }: Pick<Citizen, "nodeId" | "endpoint" | "crypto">,
    rpc: DhtPorts["rpc"],
  ): Pick<Citizen, "place" | "dht" | "letters"> {
    const { scheduler, random: chance } = this.#world;
    this.#starts += 1;
    const random = chance.fork(`${name} ${this.#starts}`);
    const clock = scheduler.clock(name);
    const newId = createUlidFactory(clock, random.bytes);
    const dht = new Dht(
      nodeId,
      { clock, random: random.bytes, newId, crypto, log: silentLog, rpc },
      { admits: () => true, mayCrowd: false, endpoint: () => endpoint, isNear: () => false },
    );
    return {
      place: { name, clock, isDown: false },
      dht,
      letters: { self: nodeId, clock, crypto, newId, endpoint: () => endpoint },
    };
  }

  /** Until there are so many. The first ones enter one by one, or they would know nobody who knows anybody. */
  async populate(count: number): Promise<void> {
    while (this.citizens.length < count) {
      const there = [...this.citizens];
      const some = Math.min(count - there.length, there.length < ONE_BY_ONE ? 1 : JOIN_AT_ONCE);
      await this.enterAll(
        Array.from({ length: some }, () => this.add()),
        there,
      );
    }
  }

  contact({ nodeId, endpoint }: Citizen): DhtContact {
    return { node_id_full: nodeId, endpoint };
  }

  /** Enters through the first and up to two others who are there already. */
  async enter(newcomer: Citizen): Promise<void> {
    const others = this.citizens.filter((one) => one !== newcomer);
    await this.enterAll([newcomer], others);
  }

  /** Each enters through the first and up to two others of those. */
  async enterAll(newcomers: readonly Citizen[], others: readonly Citizen[]): Promise<void> {
    const { random } = this.#world;
    const joined = newcomers.map((newcomer) => {
      const known = new Set([others[0], random.pick(others), random.pick(others)].filter((one) => one !== undefined));
      return newcomer.dht.join([...known].map((one) => this.contact(one)));
    });
    await this.#world.settled(Promise.all(joined));
  }

  /** Takes it away without a word: nothing of it runs, and whoever asks it waits in vain. */
  kill(citizen: Citizen): void {
    citizen.place.clock.isGone = true;
    citizen.lies = () => null;
    citizen.dht.close();
  }

  /** One question by hand. @returns whether it was done */
  async tell(from: Citizen, to: Citizen, o: { rpc: DhtRpc; body: JsonObject }): Promise<boolean> {
    const question = ask(from.letters, to.nodeId, o.body);
    const signal = new AbortController().signal;
    const asked = this.#carry(from, { to: this.contact(to), rpc: o.rpc, body: question, signal });
    const isDone = (answer: unknown): boolean =>
      readReply(from.letters, answer, { rpc: o.rpc, by: to.nodeId, traceId: question.trace_id })["stored"] === true;
    return this.#world.settled(asked.then(isDone).catch(() => false));
  }

  close(): void {
    for (const { dht } of this.citizens) dht.close();
  }

  #carry(from: Citizen, { to, rpc, body, signal }: Outgoing): Promise<unknown> {
    const { network } = this.#world;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    const there = this.#byHost.get(to.endpoint.host);
    const asked = { to: to.node_id_full, rpc, question: body };
    this.onAsked(from, asked);
    const question = this.#sent(body);
    const fail = (why: string): void => reject(new Error(why));
    network.segment(from.place, there?.place ?? from.place, {
      label: `${from.place.name} asks ${there?.place.name ?? "nobody"} ${rpc}`,
      bytes: question.bytes,
      broken: fail,
      deliver: () => {
        if (there === undefined) return fail("refused");
        const said = this.#answer(there, { rpc, body: question.read(), host: from.endpoint.host });
        if (said === null) return;
        const answer = said === "" ? undefined : this.#sent(said);
        network.segment(there.place, from.place, {
          label: `${there.place.name} answers ${from.place.name}`,
          bytes: answer?.bytes ?? HEAD_BYTES,
          broken: fail,
          deliver: () => {
            if (answer === undefined) return fail("an error");
            const read = answer.read();
            this.onAsked(from, asked, read);
            resolve(read);
          },
        });
      },
    });
    return promise.finally(() => signal.removeEventListener("abort", abort));
  }

  /** As text, or, where they are too many for it, as it is: nobody alters what was signed. */
  #sent(body: JsonObject): { bytes: number; read: () => JsonObject } {
    if (this.#keys !== undefined) return { bytes: HEAD_BYTES, read: () => body };
    const text = JSON.stringify(body);
    return { bytes: text.length + HEAD_BYTES, read: () => JSON.parse(text) as JsonObject };
  }

  /** @returns null for silence, an empty text for a refusal */
  #answer(there: Citizen, { rpc, body, host }: { rpc: DhtRpc; body: JsonObject; host: string }): JsonObject | null | "" {
    const lie = there.lies?.(rpc, body);
    if (lie === null) return null;
    try {
      if (lie !== undefined) return reply(there.letters, body["trace_id"] as string, lie);
      return there.dht.answer(rpc, body, host);
    } catch {
      return "";
    }
  }
}
