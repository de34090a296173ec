import type { Clock, LocalNetwork, MulticastGroup, PeerHint, Timer } from "../../contract/index.ts";
import { HnError, LruMap } from "../../foundation/index.ts";
import { sameShortId, shortId } from "../../identity/index.ts";
import { isWithin } from "../table/networks.ts";
import { readAnnouncement, writeAnnouncement } from "./announcement.ts";
import type { LanFacts } from "./facts.ts";

/** @source 00 §4.1 */
const GROUP = { address: "239.255.42.42", port: 42_424 };
/** Alone, or without internet, a node calls out more often. */
const INTERVAL_MS = { eager: 5000, calm: 30_000 };
const PEERS_ENOUGH = 2;
/** An announcement holds for three intervals of its sender. @source network.md §4 */
const HOLDS = 3;
const SENDERS_MAX = 1024;

export interface BeaconOptions {
  clock: Clock;
  network: LocalNetwork;
  facts: () => LanFacts;
  /** Neighbours that are online. */
  neighbours: () => number;
  emergency: () => boolean;
  hint: (hint: PeerHint) => void;
}

/** Says at intervals that this node is here, and hears who else is. @source 01 §9 */
export class Beacon {
  readonly #o: BeaconOptions;
  /** When each sender was heard last, monotonic milliseconds: the gap tells its interval. */
  readonly #heard: LruMap<string, number> = new LruMap(SENDERS_MAX);
  #group: MulticastGroup | undefined;
  #timer: Timer | undefined;

  constructor(options: BeaconOptions) {
    this.#o = options;
  }

  /** @throws the system's own error when the port cannot be had */
  async start(): Promise<void> {
    this.#group = await this.#o.network.join(GROUP, (bytes, from) => this.#hear(bytes, from));
    this.#say();
  }

  close(): void {
    this.#timer?.cancel();
    this.#group?.close();
  }

  #say(): void {
    const { clock, facts, neighbours, emergency } = this.#o;
    void this.#group?.send(writeAnnouncement(facts()));
    const isCalm = neighbours() >= PEERS_ENOUGH && !emergency();
    this.#timer = clock.setTimeout(() => this.#say(), isCalm ? INTERVAL_MS.calm : INTERVAL_MS.eager);
  }

  #hear(bytes: Uint8Array, from: string): void {
    const { clock, network, facts, hint } = this.#o;
    // Only who shares a network with us can be believed to be where the packet says it comes from.
    if (!isWithin(network.networks(), from)) return;
    try {
      const { node, port } = readAnnouncement(bytes);
      if (sameShortId(spelled(node), shortId(facts().nodeId))) return;
      const now = clock.monotonic();
      const gapMs = now - (this.#heard.get(`${from} ${port}`) ?? -Infinity);
      this.#heard.set(`${from} ${port}`, now);
      const intervalMs = gapMs <= INTERVAL_MS.eager * 2 ? INTERVAL_MS.eager : INTERVAL_MS.calm;
      hint({ source: "udp", host: from, port, ttlMs: HOLDS * intervalMs, detail: `announced from ${from}:${port}` });
    } catch (error) {
      if (!HnError.isHnError(error)) throw error;
    }
  }
}

/** Short ids are compared; a full one is shortened first. */
export function spelled(node: string): string {
  try {
    return shortId(node);
  } catch {
    return node;
  }
}
