/** `ctx.net.udp`: datagrams, for probes. @source plugin-platform §3.1 `net.udp` */
import { createSocket, type Socket } from "node:dgram";
import { isIP, isIPv6 } from "node:net";
import type { JsonObject } from "../../contract/index.ts";
import { classOf, plainAddress, HnError } from "../../foundation/index.ts";
import type { Network } from "./network.ts";
import { isMulticast, type Target } from "../permission/index.ts";
import { destination, unreachableByAny, type Rights } from "./reach.ts";
import type { Talk } from "./talk.ts";

const QUEUE_MAX = 64;
const DATAGRAM_MAX_BYTES = 65_507;
const PARTNERS_MAX = 256;

interface Datagram {
  bytes: Uint8Array;
  from: Target;
}

/**
 * Frames: `open {handle}`, then `datagram {bytes, host, port}`: answers of those it wrote to, and, once it has written to its multicast group, of
 * neighbours on this network. What comes faster than the plugin takes it is lost, as datagrams are.
 * @throws permission_denied · the signal's reason
 */
export async function udpFor(network: Network, o: { family: 4 | 6 }, talk: Talk): Promise<JsonObject> {
  talk.grants().require("net.udp");
  return network.place(async () => {
    const socket = createSocket({ type: o.family === 6 ? "udp6" : "udp4" });
    const partners = new Partners();
    const wire = { bytesIn: 0, bytesOut: 0 };
    talk.opened({ permission: "net.udp", wire });
    const queue: Datagram[] = [];
    let wake: (() => void) | undefined;
    let over: { failure: Error | null } | undefined;
    const stop = (failure: Error | null): void => {
      over ??= { failure };
      wake?.();
    };
    const onAbort = (): void => stop(talk.signal.reason instanceof Error ? talk.signal.reason : new HnError("timeout"));
    talk.signal.addEventListener("abort", onAbort);
    socket.on("error", stop);
    socket.on("message", (bytes, { address, port }) => {
      const from = { host: plainAddress(address.replace(/%.*$/, "")), port };
      network.options.meter.received(bytes.byteLength);
      wire.bytesIn += bytes.byteLength;
      if (queue.length >= QUEUE_MAX || !partners.knows(from)) return;
      queue.push({ bytes, from });
      wake?.();
    });
    const writer = {
      write: async ({ bytes, to }: { bytes: Uint8Array; to: Target | undefined }): Promise<void> => {
        if (to === undefined || bytes.byteLength > DATAGRAM_MAX_BYTES)
          throw new HnError("bad_request", { message: "A datagram needs host and port, and at most 65507 bytes." });
        const address = await partnerAddress(network, { to, family: o.family }, talk);
        talk.about(to);
        network.options.meter.spend(bytes.byteLength);
        wire.bytesOut += bytes.byteLength;
        partners.add(address, to.port);
        await sendTo(socket, bytes, { host: address, port: to.port });
      },
      end: () => stop(null),
    };
    try {
      return await network.lend(writer, async (handle) => {
        await talk.frame("open", { handle });
        for (;;) {
          if (over?.failure) throw over.failure;
          if (over !== undefined) return {};
          const next = queue.shift();
          if (next === undefined) await new Promise<void>((resolve) => (wake = resolve));
          else await talk.frame("datagram", { bytes: next.bytes as never, ...next.from });
        }
      });
    } finally {
      talk.signal.removeEventListener("abort", onAbort);
      socket.close();
    }
  });
}

/** Who may answer. */
class Partners {
  readonly #known = new Set<string>();
  #group = false;

  add(address: string, port: number): void {
    if (isMulticast(address)) this.#group = true;
    else if (this.#known.size < PARTNERS_MAX) this.#known.add(`${port} ${address}`);
  }

  knows({ host, port }: Target): boolean {
    return this.#known.has(`${port} ${host}`) || (this.#group && classOf(host) === "lan");
  }
}

/** @throws permission_denied · Undecided · partition reason host_unreachable */
async function partnerAddress(network: Network, { to, family }: { to: Target; family: 4 | 6 }, talk: Talk): Promise<string> {
  await talk.decide(() => talk.passing().datagram(to));
  if (isMulticast(to.host)) return to.host;
  const found = isIP(to.host) === 0 ? await network.options.ways.resolve(to.host) : [to.host];
  await talk.decide(() =>
    found.forEach((address) => checkUdp(to, address, { grants: talk.passing(), settings: network.options.settings() })),
  );
  const address = found.map(plainAddress).find((one) => isIPv6(one) === (family === 6));
  if (address === undefined) throw new HnError("partition", { reason: "host_unreachable" });
  return address;
}

/** An address that the scope spells out is meant; one that a name leads to counts as internet unless its class is granted for that name. */
function checkUdp(to: Target, address: string, { grants, settings }: Rights): void {
  const kind = classOf(address);
  if (kind === null) throw unreachableByAny(to);
  if (isIP(to.host) === 0 && kind !== "internet") grants.reach(kind, destination(to, settings));
}

function sendTo(socket: Socket, bytes: Uint8Array, { host, port }: Target): Promise<void> {
  return new Promise((resolve, reject) => socket.send(bytes, port, host, (error) => (error ? reject(error) : resolve())));
}
