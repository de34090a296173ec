/** `ctx.net.udp`: datagrams, for probes. @source plugin-platform §3.1 `net.udp` */
import { createSocket, type Socket } from "node:dgram";
import { isIP, isIPv6 } from "node:net";
import type { JsonObject } from "../../contract/index.ts";
import { classOf, plainAddress, HnError } from "../../foundation/index.ts";
import type { Network } from "./network.ts";
import { allows, lists, type Rights } from "./reach.ts";
import type { Talk } from "./talk.ts";
import { refused } from "./refusal.ts";
import { nameOf, parsePattern, type Target } from "./target.ts";

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
  const { rights } = network.options;
  rights().grants.require("net.udp");
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
        talk.about(to);
        const address = await partnerAddress(network, to, o.family);
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

/** @throws permission_denied · partition reason host_unreachable */
async function partnerAddress(network: Network, to: Target, family: 4 | 6): Promise<string> {
  const rights = network.options.rights();
  const scopes = rights.grants.require("net.udp", nameOf(to));
  if (isMulticast(to.host)) {
    const groups = scopes.flatMap(({ multicast }) => (typeof multicast === "string" ? [parsePattern(multicast)] : []));
    if (!groups.some((group) => group?.host === to.host && group.port === to.port)) throw refused("net.udp", to);
    return to.host;
  }
  if (!scopes.some((scope) => lists(scope, to))) throw refused("net.udp", to);
  const found = isIP(to.host) === 0 ? await network.options.ways.resolve(to.host) : [to.host];
  for (const address of found) checkUdp(to, address, rights);
  const address = found.map(plainAddress).find((one) => isIPv6(one) === (family === 6));
  if (address === undefined) throw new HnError("partition", { reason: "host_unreachable" });
  return address;
}

/** An address that the scope spells out is meant; one that a name leads to counts as internet unless its class is granted for that name. */
function checkUdp(to: Target, address: string, rights: Rights): void {
  const kind = classOf(address);
  const meant = kind !== null && (isIP(to.host) !== 0 || kind === "internet" || allows(kind, to, rights));
  if (!meant) throw refused(kind === null ? "net.udp" : `net.${kind}`, to);
}

/** Groups that do not leave the site: 239.0.0.0/8 and 224.0.0.0/24, ff02::/16 and ff05::/16. */
function isMulticast(address: string): boolean {
  return /^(239\.|224\.0\.0\.)/.test(address) || /^ff0[25]:/i.test(address);
}

function sendTo(socket: Socket, bytes: Uint8Array, { host, port }: Target): Promise<void> {
  return new Promise((resolve, reject) => socket.send(bytes, port, host, (error) => (error ? reject(error) : resolve())));
}
