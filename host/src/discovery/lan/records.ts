/** mDNS packets of this service: written, and read without believing them. @source 01 §9, RFC 6762, RFC 6763 */
import { decode, encode, type Answer, type DecodedPacket } from "dns-packet";
import { HnError } from "../../foundation/index.ts";
import { isNodePort, shortFacts, type LanFacts } from "./facts.ts";

export const SERVICE = "_hearthnet._tcp.local";
const DIRECTORY = "_services._dns-sd._udp.local";
/** Seconds that a record holds, and the most that a stranger's is believed for. @source network.md §4 */
export const TTL_S = 120;
const PACKET_MAX_BYTES = 9000;
const RECORDS_MAX = 64;
const CAPS_MAX_BYTES = 200;
const LABEL_MAX_BYTES = 63;
const ADDRESSES_MAX = 8;

/** What one packet says about one instance of the service. */
export interface Instance {
  name: string;
  /** Absent when the packet does not say it. */
  port?: number;
  /** Of the shortest-lived record, seconds; 0 = goodbye. */
  ttl: number;
  /** As its TXT record says; "" when it does not. */
  node: string;
}

export interface Heard {
  /** Somebody asks for this service, and does not know us yet. */
  asks: boolean;
  instances: Instance[];
}

/** `Kitchen-AOQQ`, as one label. @source 01 §9 */
export function instanceName(facts: LanFacts): string {
  const suffix = `-${shortFacts(facts).node.slice("ed25519:".length, "ed25519:".length + 4)}`;
  // The codec takes a dot for the end of a label.
  const plain = facts.displayName.replaceAll(/[\p{C}.\\]/gu, " ").trim() || "HearthNet";
  let name = plain;
  while (Buffer.byteLength(name + suffix) > LABEL_MAX_BYTES) name = [...name].slice(0, -1).join("");
  return `${name}${suffix}.${SERVICE}`;
}

export function writeQuestion(names: readonly string[] = []): Uint8Array {
  const questions =
    names.length === 0
      ? [{ name: SERVICE, type: "PTR" as const }]
      : names.flatMap((name) => [
          { name, type: "SRV" as const },
          { name, type: "TXT" as const },
        ]);
  return encode({ type: "query", questions });
}

/**
 * @param o.addresses  IPv4 addresses of this machine
 * @param o.goodbye  the records are over
 */
export function writeAnswer(facts: LanFacts, o: { addresses: readonly string[]; goodbye?: boolean }): Uint8Array {
  const { node, community } = shortFacts(facts);
  const ttl = o.goodbye === true ? 0 : TTL_S;
  const name = instanceName(facts);
  const target = `hearthnet-${node.slice("ed25519:".length).toLowerCase()}.local`;
  const txt = [
    "v=1",
    `node=${node}`,
    `community=${community}`,
    `profile=${facts.profile}`,
    `caps=${capsOf(facts.capabilities)}`,
    `manifest_url=https://${target}:${facts.port}/manifest`,
    "contract_version=2.0",
  ];
  const own = { ttl, class: "IN" as const, flush: true };
  return encode({
    type: "response",
    flags: 0x400,
    answers: [
      { type: "PTR", name: DIRECTORY, ttl, data: SERVICE },
      { type: "PTR", name: SERVICE, ttl, data: name },
      { type: "SRV", name, ...own, data: { priority: 0, weight: 0, port: facts.port, target } },
      { type: "TXT", name, ...own, data: txt },
      ...o.addresses.slice(0, ADDRESSES_MAX).map((data): Answer => ({ type: "A", name: target, ...own, data })),
    ],
  });
}

/**
 * @param own  the name of our own instance, which is no news
 * @throws bad_request
 */
export function readPacket(bytes: Uint8Array, own: string): Heard {
  if (bytes.byteLength > PACKET_MAX_BYTES) throw odd();
  let packet: DecodedPacket;
  try {
    packet = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (cause) {
    throw odd(cause);
  }
  const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])].slice(0, RECORDS_MAX);
  if (packet.type === "query") return { asks: asksForUs(packet, own), instances: [] };
  const instances = new Map<string, Instance>();
  const about = (name: string, ttl: number): Instance | undefined => {
    const key = name.toLowerCase();
    if (!key.endsWith(`.${SERVICE}`) || key === own.toLowerCase()) return undefined;
    const instance = instances.get(key) ?? { name, ttl, node: "" };
    instance.ttl = Math.min(instance.ttl, ttl);
    instances.set(key, instance);
    return instance;
  };
  for (const record of records) {
    if (record.type === "PTR" && same(record.name, SERVICE)) about(record.data, ttlOf(record));
    else if (record.type === "SRV") {
      const instance = about(record.name, ttlOf(record));
      if (instance !== undefined && isNodePort(record.data.port)) instance.port = record.data.port;
    } else if (record.type === "TXT") {
      const instance = about(record.name, ttlOf(record));
      if (instance !== undefined) instance.node = nodeIn(record.data);
    }
  }
  return { asks: false, instances: [...instances.values()] };
}

function asksForUs(packet: DecodedPacket, own: string): boolean {
  const asked = (packet.questions ?? []).some(
    ({ name, type }) =>
      (same(name, SERVICE) && (type === "PTR" || (type as string) === "ANY")) ||
      (same(name, own) && type !== "A" && type !== "AAAA") ||
      (same(name, DIRECTORY) && type === "PTR"),
  );
  // Who lists us among what it knows already needs no answer.
  const known = (packet.answers ?? []).some(
    (record) => record.type === "PTR" && same(record.data, own) && ttlOf(record) >= TTL_S / 2,
  );
  return asked && !known;
}

function capsOf(capabilities: readonly string[]): string {
  const caps = [...capabilities];
  while (Buffer.byteLength(caps.join(",")) > CAPS_MAX_BYTES) caps.pop();
  return caps.join(",");
}

function nodeIn(data: unknown): string {
  const entries = Array.isArray(data) ? data : [data];
  for (const entry of entries.slice(0, 16)) {
    const text = Buffer.isBuffer(entry) ? entry.toString("utf8") : String(entry);
    if (text.startsWith("node=")) return text.slice("node=".length, "node=".length + 64);
  }
  return "";
}

function ttlOf(record: { ttl?: number | undefined }): number {
  return Math.max(0, Math.min(TTL_S, record.ttl ?? 0));
}

function same(a: unknown, b: string): boolean {
  return typeof a === "string" && a.toLowerCase() === b.toLowerCase();
}

function odd(cause?: unknown): HnError {
  return new HnError("bad_request", { message: "This packet is no readable mDNS message.", cause });
}
