/** Many nodes of the DHT in one process: the real code over a network that can lose, delay and forge. Signatures are by name, so that thousands fit. */
import { generateKeyPairSync } from "node:crypto";
import type { DhtContact, DhtEndpoint, NodeId } from "../../src/contract/index.ts";
import { Dht, type DhtConfig, type DhtPorts, type Outgoing } from "../../src/dht/index.ts";
import { createUlidFactory, ManualClock, silentLog } from "../../src/foundation/index.ts";
import { formatNodeId } from "../../src/identity/index.ts";
import { seededRandom } from "../support/people.ts";

export interface Citizen {
  nodeId: NodeId;
  endpoint: DhtEndpoint;
  dht: Dht;
  /** Does not answer, and says so at once. */
  dead: boolean;
  /** Takes questions and says nothing. */
  mute: boolean;
}

export const simCrypto = (self: NodeId): DhtPorts["crypto"] => ({
  sign: (kind) => `sim:${kind}:${self}`,
  verify: (kind, value, { by, signature }) => (signature ?? (value as { signature?: unknown }).signature) === `sim:${kind}:${by}`,
});

const OFTEN = { perSecond: 1e9, capacity: 1e9 };
/** No time passes while hundreds join. */
const UNLIMITED = { ping: OFTEN, find_node: OFTEN, find_value: OFTEN, store: OFTEN, greeting: OFTEN };

export class DhtVillage {
  readonly clock: ManualClock = new ManualClock();
  readonly citizens: Citizen[] = [];
  readonly random: (bytes: number) => Uint8Array;
  questions = 0;
  readonly #byPlace = new Map<string, Citizen>();

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** @param o.endpoint  otherwise each in a subnet of its own */
  add(o: { endpoint?: DhtEndpoint; config?: Partial<DhtConfig>; shelf?: NonNullable<DhtPorts["shelf"]> } = {}): Citizen {
    const { publicKey } = generateKeyPairSync("ed25519");
    const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
    const nodeId = formatNodeId(new Uint8Array(raw));
    const number = this.citizens.length + 1;
    const endpoint = o.endpoint ?? { host: `${1 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}.1`, port: 7080 };
    const ports: DhtPorts = {
      clock: this.clock,
      random: this.random,
      newId: createUlidFactory(this.clock, this.random),
      crypto: simCrypto(nodeId),
      log: silentLog,
      rpc: (question) => this.#carry(endpoint, question),
      ...(o.shelf === undefined ? {} : { shelf: o.shelf }),
    };
    const config: DhtConfig = {
      admits: () => true,
      mayCrowd: false,
      endpoint: () => endpoint,
      isNear: () => false,
      rates: UNLIMITED,
      ...o.config,
    };
    const citizen: Citizen = { nodeId, endpoint, dht: new Dht(nodeId, ports, config), dead: false, mute: false };
    this.citizens.push(citizen);
    this.#byPlace.set(`${endpoint.host}:${endpoint.port}`, citizen);
    return citizen;
  }

  contact({ nodeId, endpoint }: Citizen): DhtContact {
    return { node_id_full: nodeId, endpoint };
  }

  /** Everybody joins through up to three who are there already. */
  async settle(count: number): Promise<void> {
    for (let number = 0; number < count; number += 1) {
      const newcomer = this.add();
      const known = [0, 1, 2].flatMap(() => this.any(this.citizens.slice(0, -1)) ?? []);
      await newcomer.dht.join(known.map((one) => this.contact(one)));
    }
  }

  any<T>(list: readonly T[]): T | undefined {
    const [a = 0, b = 0] = this.random(2);
    return list[((a << 8) | b) % Math.max(1, list.length)];
  }

  close(): void {
    for (const { dht } of this.citizens) dht.close();
  }

  #carry(from: DhtEndpoint, o: Outgoing): Promise<unknown> {
    this.questions += 1;
    const { host, port } = o.to.endpoint;
    const there = this.#byPlace.get(`${host}:${port}`);
    if (there === undefined || there.dead) return Promise.reject(new Error("refused"));
    if (there.mute) return new Promise((_, reject) => o.signal.addEventListener("abort", () => reject(o.signal.reason)));
    return new Promise((resolve) => resolve(there.dht.answer(o.rpc, o.body, from.host)));
  }
}
