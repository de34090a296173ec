/** Where discovery touches the machine's networks, and nowhere else. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import type { Clock, LocalNetwork, Log, MulticastGroup, Timer } from "../../contract/index.ts";

/** Networks come and go: cables, radio, sleep. */
const LOOK_AGAIN_MS = 5000;
/** The next hop ends it: what is said to the neighbours stays there. mDNS wants 255, which proves the same to its readers. */
const HOPS = { mdns: 255, other: 1 };
const MDNS_PORT = 5353;

export function openLocalNetwork(o: { clock: Clock; log: Log }): LocalNetwork {
  let known: { at: number; networks: string[] } | undefined;
  return {
    networks() {
      const now = o.clock.monotonic();
      if (known === undefined || now - known.at >= LOOK_AGAIN_MS) {
        const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
        known = { at: now, networks: all.flatMap(({ cidr }) => (cidr === null ? [] : [cidr])) };
      }
      return known.networks;
    },
    async join(group, onMessage) {
      const socket = createSocket({ type: "udp4", reuseAddr: true });
      socket.bind(group.port);
      await once(socket, "listening");
      socket.on("error", (error) => o.log.warn("a multicast group was lost", { group: group.address, error }));
      socket.on("message", (bytes, { address }) => onMessage(bytes, address));
      return new Group(o, { group, socket });
    },
  };
}

/** IPv4 addresses of the networks that this machine shares with others. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address);
}

/** One socket hears; for each network one of its own speaks, so that the system does not choose a single one of them. */
class Group implements MulticastGroup {
  readonly #o: { clock: Clock; log: Log };
  readonly #group: { address: string; port: number };
  readonly #ear: Socket;
  readonly #mouths: Map<string, Socket> = new Map();
  #timer: Timer | undefined;

  constructor(o: { clock: Clock; log: Log }, { group, socket }: { group: { address: string; port: number }; socket: Socket }) {
    this.#o = o;
    this.#group = group;
    this.#ear = socket;
    this.#look();
  }

  async send(bytes: Uint8Array): Promise<void> {
    const { address, port } = this.#group;
    const said = [...this.#mouths.values()].map(
      // A network that is down at this moment is no reason to stop.
      (socket) => new Promise<void>((resolve) => socket.send(bytes, port, address, () => resolve())),
    );
    await Promise.all(said);
  }

  close(): void {
    this.#timer?.cancel();
    for (const socket of [this.#ear, ...this.#mouths.values()]) socket.close();
    this.#mouths.clear();
  }

  #look(): void {
    this.#timer = this.#o.clock.setTimeout(() => this.#look(), LOOK_AGAIN_MS);
    const present = new Set(ownAddresses());
    for (const [address, socket] of this.#mouths)
      if (!present.has(address)) {
        this.#mouths.delete(address);
        socket.close();
      }
    for (const address of present) if (!this.#mouths.has(address)) this.#open(address);
  }

  #open(address: string): void {
    const isMdns = this.#group.port === MDNS_PORT;
    const socket = createSocket({ type: "udp4", reuseAddr: true });
    this.#mouths.set(address, socket);
    socket.on("error", (error) => {
      this.#o.log.debug("a network cannot be spoken to", { address, error });
      if (this.#mouths.get(address) === socket) this.#mouths.delete(address);
    });
    socket.bind({ address, port: isMdns ? MDNS_PORT : 0 }, () => {
      try {
        socket.setMulticastInterface(address);
        socket.setMulticastTTL(isMdns ? HOPS.mdns : HOPS.other);
        socket.setMulticastLoopback(true);
        this.#hear(address);
      } catch (error) {
        this.#o.log.debug("a network takes no multicast", { address, error });
      }
    });
  }

  /** A network that went down and came back under the same address has forgotten that we listen. */
  #hear(address: string): void {
    try {
      this.#ear.dropMembership(this.#group.address, address);
    } catch {
      // It had none.
    }
    this.#ear.addMembership(this.#group.address, address);
  }
}
