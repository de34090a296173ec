import type { Clock, LocalNetwork, MulticastGroup, PeerHint, Random, Timer } from "../../contract/index.ts";
import { HnError, LruMap } from "../../foundation/index.ts";
import { sameShortId, shortId } from "../../identity/index.ts";
import { isWithin } from "../table/networks.ts";
import { spelled } from "./beacon.ts";
import type { LanFacts } from "./facts.ts";
import { instanceName, readPacket, writeAnswer, writeQuestion, type Instance } from "./records.ts";

const GROUP = { address: "224.0.0.251", port: 5353 };
/** Before an answer, so that those who answer do not all speak at once. @source RFC 6762 §6 */
const DELAY_MS = { least: 20, spread: 100 };
/** Between two answers to whoever asks. */
const ANSWER_SPACING_MS = 1000;
/** Questions and announcements after the start, then at the interval. */
const OPENING_MS = [1000, 3000];
const INTERVAL_MS = 60_000;
const NAMES_MAX = 4;
const INSTANCES_MAX = 1024;

export interface ResponderOptions {
  clock: Clock;
  random: Random;
  network: LocalNetwork;
  facts: () => LanFacts;
  hint: (hint: PeerHint) => void;
}

/** This node as a service of the local network, and those it finds there. @source 01 §9, RFC 6762 */
export class Responder {
  readonly #o: ResponderOptions;
  /** Port of each instance at each address, for goodbyes that do not say it. */
  readonly #ports: LruMap<string, number> = new LruMap(INSTANCES_MAX);
  #group: MulticastGroup | undefined;
  #timer: Timer | undefined;
  #answer: Timer | undefined;
  #answeredAt = -Infinity;
  #askedAt = -Infinity;
  /** Says goodbye under the name it was last known by. */
  #said: LanFacts | undefined;

  constructor(options: ResponderOptions) {
    this.#o = options;
  }

  /** @throws the system's own error when the port cannot be had */
  async start(): Promise<void> {
    this.#group = await this.#o.network.join(GROUP, (bytes, from) => this.#hear(bytes, from));
    this.#round(0);
  }

  /** Says goodbye. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#answer?.cancel();
    if (this.#said !== undefined) await this.#group?.send(writeAnswer(this.#said, { addresses: [], goodbye: true }));
    this.#group?.close();
  }

  #round(turn: number): void {
    void this.#group?.send(writeQuestion());
    this.#announce();
    this.#timer = this.#o.clock.setTimeout(() => this.#round(turn + 1), OPENING_MS[turn] ?? INTERVAL_MS);
  }

  #announce(): void {
    const { clock, facts, network } = this.#o;
    this.#answeredAt = clock.monotonic();
    this.#said = facts();
    const addresses = network
      .networks()
      .map((cidr) => cidr.split("/")[0] ?? "")
      .filter((address) => address.includes(".") && !address.startsWith("127."));
    void this.#group?.send(writeAnswer(this.#said, { addresses }));
  }

  #hear(bytes: Uint8Array, from: string): void {
    const { network, facts } = this.#o;
    if (!isWithin(network.networks(), from)) return;
    try {
      const own = facts();
      const { asks, instances } = readPacket(bytes, instanceName(own));
      if (asks) this.#answerSoon();
      for (const instance of instances)
        if (!sameShortId(spelled(instance.node), shortId(own.nodeId))) this.#found(instance, from);
      const unknown = instances.filter(
        ({ port, ttl, name }) => port === undefined && ttl > 0 && !this.#ports.get(`${from} ${name}`),
      );
      this.#askFor(unknown.map(({ name }) => name));
    } catch (error) {
      if (!HnError.isHnError(error)) throw error;
    }
  }

  #found(instance: Instance, from: string): void {
    const key = `${from} ${instance.name}`;
    const port = instance.port ?? this.#ports.get(key);
    if (port === undefined) return;
    this.#ports.set(key, port);
    this.#o.hint({ source: "mdns", host: from, port, ttlMs: instance.ttl * 1000, detail: `announced from ${from}:${port}` });
  }

  /** Somebody who names an instance without saying where it is. */
  #askFor(names: readonly string[]): void {
    const now = this.#o.clock.monotonic();
    if (names.length === 0 || now - this.#askedAt < ANSWER_SPACING_MS) return;
    this.#askedAt = now;
    void this.#group?.send(writeQuestion(names.slice(0, NAMES_MAX)));
  }

  #answerSoon(): void {
    const { clock, random } = this.#o;
    if (this.#answer !== undefined) return;
    const chance = (random(1)[0] ?? 0) / 255;
    const sinceMs = clock.monotonic() - this.#answeredAt;
    const delayMs = Math.max(DELAY_MS.least + DELAY_MS.spread * chance, ANSWER_SPACING_MS - sinceMs);
    this.#answer = clock.setTimeout(() => {
      this.#answer = undefined;
      this.#announce();
    }, delayMs);
  }
}
