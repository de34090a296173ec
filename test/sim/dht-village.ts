/** Nodes of the DHT on the simulated network: the host's room with real signatures, and neighbours that lie. */
import type { DhtContact, DhtEndpoint, DhtRpc, JsonObject, NodeId } from "../../host/src/contract/index.ts";
import { Dht, type DhtPorts, type Outgoing } from "../../host/src/dht/index.ts";
import { createUlidFactory, silentLog } from "../../host/src/foundation/index.ts";
import { importSeed, Signer, verifyTyped } from "../../host/src/identity/index.ts";
import { ask, readReply, reply, type Letters } from "../../host/src/dht/wire.ts";
import type { Place } from "./network.ts";
import type { World } from "./world.ts";

export interface Citizen {
  nodeId: NodeId;
  signer: Signer;
  endpoint: DhtEndpoint;
  place: Place;
  dht: Dht;
  letters: Letters;
  /** What it says instead of the truth: undefined for the truth, null for nothing at all. */
  lies: ((rpc: DhtRpc, question: JsonObject) => JsonObject | null | undefined) | undefined;
}

export class SimDhtVillage {
  readonly citizens: Citizen[] = [];
  readonly #world: World;
  readonly #byHost: Map<string, Citizen> = new Map();

  constructor(world: World) {
    this.#world = world;
  }

  /** @param seed  32 bytes of its key; drawn unless given */
  add(seed?: Uint8Array): Citizen {
    const { scheduler, random: chance } = this.#world;
    const number = this.citizens.length + 1;
    const name = `citizen ${number}`;
    const random = chance.fork(name);
    const { nodeId, key } = importSeed(seed ?? random.bytes(32));
    const signer = new Signer(nodeId, key);
    const clock = scheduler.clock(name);
    // Each in a subnet of its own.
    const endpoint = { host: `${1 + (number >> 8)}.${number & 255}.0.1`, port: 7080 };
    const newId = createUlidFactory(clock, random.bytes);
    const crypto: DhtPorts["crypto"] = { sign: (kind, value) => signer.signDht(kind, value), verify: verifyTyped };
    const place: Place = { name, clock, isDown: false };
    const dht = new Dht(
      nodeId,
      { clock, random: random.bytes, newId, crypto, log: silentLog, rpc: (question) => this.#carry(citizen, question) },
      { admits: () => true, mayCrowd: false, endpoint: () => endpoint, isNear: () => false },
    );
    const letters: Letters = { self: nodeId, clock, crypto, newId, endpoint: () => endpoint };
    const citizen: Citizen = { nodeId, signer, endpoint, place, dht, letters, lies: undefined };
    this.citizens.push(citizen);
    this.#byHost.set(endpoint.host, citizen);
    return citizen;
  }

  contact({ nodeId, endpoint }: Citizen): DhtContact {
    return { node_id_full: nodeId, endpoint };
  }

  /** Enters through the first and up to two others who are there already. */
  async enter(newcomer: Citizen): Promise<void> {
    const others = this.citizens.filter((one) => one !== newcomer);
    const { random } = this.#world;
    const known = new Set([others[0], random.pick(others), random.pick(others)].filter((one) => one !== undefined));
    await this.#world.settled(newcomer.dht.join([...known].map((one) => this.contact(one))));
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
    const question = JSON.stringify(body);
    const fail = (why: string): void => reject(new Error(why));
    network.segment(from.place, there?.place ?? from.place, {
      label: `${from.place.name} asks ${there?.place.name ?? "nobody"} ${rpc}`,
      bytes: question.length + 500,
      broken: fail,
      deliver: () => {
        if (there === undefined) return fail("refused");
        const said = this.#answer(there, { rpc, body: JSON.parse(question) as JsonObject, host: from.endpoint.host });
        if (said === null) return;
        network.segment(there.place, from.place, {
          label: `${there.place.name} answers ${from.place.name}`,
          bytes: said.length + 500,
          broken: fail,
          deliver: () => (said === "" ? fail("an error") : resolve(JSON.parse(said))),
        });
      },
    });
    return promise.finally(() => signal.removeEventListener("abort", abort));
  }

  /** @returns null for silence, an empty text for a refusal */
  #answer(there: Citizen, { rpc, body, host }: { rpc: DhtRpc; body: JsonObject; host: string }): string | null {
    const lie = there.lies?.(rpc, body);
    if (lie === null) return null;
    try {
      if (lie !== undefined) return JSON.stringify(reply(there.letters, body["trace_id"] as string, lie));
      return JSON.stringify(there.dht.answer(rpc, body, host));
    } catch {
      return "";
    }
  }
}
