/** What an IP address is to this node. Decided for every address a name leads to, before anything connects. @source plugin-platform §3.1 Network */
import { isIPv4, isIPv6 } from "node:net";

/** One permission for each: `net.internet`, `net.lan`, `net.loopback`. */
export type AddressClass = "internet" | "lan" | "loopback";

type Verdict = AddressClass | "refused";
type Range = readonly [first: readonly number[], bits: number, verdict: Verdict];

/** IANA's special-purpose registries; the first range that holds an address decides. */
const IPV4: readonly Range[] = [
  // Clouds answer these with credentials of the machine.
  [[100, 100, 100, 200], 32, "refused"],
  [[168, 63, 129, 16], 32, "refused"],
  [[0], 8, "refused"],
  [[10], 8, "lan"],
  [[100, 64], 10, "lan"],
  [[127], 8, "loopback"],
  [[169, 254], 16, "refused"],
  [[172, 16], 12, "lan"],
  [[192, 0, 0], 24, "refused"],
  [[192, 0, 2], 24, "refused"],
  [[192, 88, 99], 24, "refused"],
  [[192, 168], 16, "lan"],
  [[198, 18], 15, "refused"],
  [[198, 51, 100], 24, "refused"],
  [[203, 0, 113], 24, "refused"],
  [[224], 4, "refused"],
  [[240], 4, "refused"],
  [[], 0, "internet"],
];
const IPV6: readonly Range[] = [
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback"],
  [[0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54], 128, "refused"],
  [[0xfd, 0x20, 0x00, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54], 128, "refused"],
  [[0xfc], 7, "lan"],
  // Protocol assignments, Teredo, benchmarking, ORCHID; documentation; 6to4; documentation.
  [[0x20, 0x01, 0x00], 23, "refused"],
  [[0x20, 0x01, 0x0d, 0xb8], 32, "refused"],
  [[0x20, 0x02], 16, "refused"],
  [[0x3f, 0xff], 20, "refused"],
  [[0x20], 3, "internet"],
  [[], 0, "refused"],
];
const MAPPED: Range = [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96, "refused"];
const NAT64: Range = [[0x00, 0x64, 0xff, 0x9b], 96, "refused"];

/**
 * Class of an address, or null when no plugin may reach it whatever it was granted: link-local, cloud metadata, multicast, unspecified,
 * documentation, reserved, or no address at all. An IPv4 address inside an IPv6 one counts as itself; behind NAT64 only the internet lies.
 */
export function classOf(address: string): AddressClass | null {
  const bytes = bytesOf(address);
  if (bytes === null) return null;
  const verdict = judge(bytes);
  return verdict === "refused" ? null : verdict;
}

/** The form to connect to: IPv4 in its own notation, however it was written. */
export function plainAddress(address: string): string {
  const bytes = bytesOf(address);
  return bytes?.length === 16 && lies(bytes, MAPPED) ? bytes.slice(12).join(".") : address;
}

function judge(bytes: readonly number[]): Verdict {
  if (bytes.length === 4) return first(bytes, IPV4);
  if (lies(bytes, MAPPED)) return first(bytes.slice(12), IPV4);
  if (lies(bytes, NAT64)) return first(bytes.slice(12), IPV4) === "internet" ? "internet" : "refused";
  return first(bytes, IPV6);
}

function first(bytes: readonly number[], ranges: readonly Range[]): Verdict {
  return ranges.find((range) => lies(bytes, range))?.[2] ?? "refused";
}

function lies(bytes: readonly number[], [start, bits]: Range): boolean {
  for (let at = 0; at < bits; at += 8) {
    const mask = at + 8 <= bits ? 0xff : (0xff << (at + 8 - bits)) & 0xff;
    if ((((bytes[at / 8] ?? 0) ^ (start[at / 8] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

/** 4 or 16 bytes; null for what is no address, zone names included: they say which wire, and no wire is granted. */
function bytesOf(address: string): number[] | null {
  if (isIPv4(address)) return address.split(".").map(Number);
  if (!isIPv6(address) || address.includes("%")) return null;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const tail = dotted?.[2]?.split(".").map(Number) ?? [];
  const [head = "", rest] = (dotted === null ? address : (dotted[1] ?? "").replace(/([^:]):$/, "$1")).split("::");
  const [before, after] = [words(head), words(rest ?? "")];
  const gap = 16 - before.length - after.length - tail.length;
  return [...before, ...Array.from({ length: gap }, () => 0), ...after, ...tail];
}

function words(text: string): number[] {
  return text
    .split(":")
    .filter((word) => word !== "")
    .flatMap((word) => {
      const value = Number.parseInt(word, 16);
      return [value >> 8, value & 0xff];
    });
}
