import assert from "node:assert/strict";
import { BlockList } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { classOf, plainAddress } from "../../../src/foundation/index.ts";
import { holds } from "../../support/property.ts";

const TABLE: Record<string, readonly string[]> = {
  internet: [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.0.1",
    "172.32.0.1",
    "192.169.0.1",
  ].concat(["223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "::ffff:808:808", "64:ff9b::8.8.8.8"]),
  lan: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255", "fc00::1", "fdff::1"].concat([
    "::ffff:192.168.1.1",
    "::ffff:c0a8:101",
    "0:0:0:0:0:ffff:10.1.2.3",
  ]),
  loopback: ["127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1"],
  null: ["0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1", "100.100.100.200", "168.63.129.16", "192.0.0.192"].concat(
    ["192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1"],
    ["255.255.255.255", "192.88.99.1", "::", "::127.0.0.1", "::8.8.8.8", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::fb"],
    ["2001:db8::1", "2001::1", "2001:0:4136:e378::1", "2002:c0a8:101::1", "3fff::1", "64:ff9b::192.168.1.1", "64:ff9b::7f00:1"],
    ["64:ff9b::169.254.169.254", "64:ff9b:1::1", "100::1", "fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254", "5f00::1"],
    ["::ffff:0:127.0.0.1", "4000::1", "::ffff:0.0.0.0", "", "localhost", "1.2.3", "0x7f.0.0.1", "1.2.3.4.5", "::1%lo", "[::1]"],
  ),
};

for (const [kind, addresses] of Object.entries(TABLE))
  test(`knows ${kind === "null" ? "what no plugin may reach" : `the ${kind}`} (A06)`, () => {
    for (const address of addresses) assert.equal(String(classOf(address)), kind, address);
  });

test("connects to an IPv4 address in its own notation, and leaves all others as they are", () => {
  assert.equal(plainAddress("::ffff:c0a8:101"), "192.168.1.1");
  assert.equal(plainAddress("::ffff:10.0.0.1"), "10.0.0.1");
  for (const address of ["10.0.0.1", "2606:4700::1111", "64:ff9b::808:808"]) assert.equal(plainAddress(address), address);
});

/** The same registries once more, in the words of Node's own matcher. */
function blockList(...networks: string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    list.addSubnet(address, Number(bits), address.includes(":") ? "ipv6" : "ipv4");
  }
  return list;
}
const NEVER = blockList(
  "0.0.0.0/8",
  "100.100.100.200/32",
  "168.63.129.16/32",
  "169.254.0.0/16",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "fd00:ec2::254/128",
  "fd20:ce::254/128",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
);
const LAN = blockList("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7");
const LOOPBACK = blockList("127.0.0.0/8", "::1/128");
const GLOBAL = blockList("2000::/3");

function expected(address: string, family: "ipv4" | "ipv6"): string {
  if (NEVER.check(address, family)) return "null";
  if (LOOPBACK.check(address, family)) return "loopback";
  if (LAN.check(address, family)) return "lan";
  return family === "ipv4" || GLOBAL.check(address, family) ? "internet" : "null";
}

const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 10, 100, 127, 168, 169, 172, 192, 198, 203, 224, 254));
const ipv4 = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join("."));
const group = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }),
  fc.constantFrom(0, 1, 0x2001, 0x2002, 0xdb8, 0x3fff, 0xfc00, 0xfe80, 0xff02, 0x254),
);
const groups = fc.array(group, { minLength: 8, maxLength: 8 });

test("agrees with Node's own matcher about every IPv4 address", () => {
  holds(fc.property(ipv4, (address) => assert.equal(String(classOf(address)), expected(address, "ipv4"), address)));
});

test("agrees with it about every IPv6 address, in whatever spelling", () => {
  holds(
    fc.property(groups, fc.boolean(), (parts, upper) => {
      // What carries an IPv4 address within is the next property's.
      if (parts.slice(0, 5).every((part) => part === 0) || parts[0] === 0x64) return;
      const long = parts.map((part) => part.toString(16).padStart(4, "0")).join(":");
      const short = new URL(`http://[${long}]/`).hostname.slice(1, -1);
      const dotted = `${long.slice(0, 30)}${parts
        .slice(6)
        .flatMap((part) => [part >> 8, part & 255])
        .join(".")}`;
      for (const spelling of [upper ? long.toUpperCase() : long, short, dotted])
        assert.equal(String(classOf(spelling)), expected(long, "ipv6"), spelling);
    }),
  );
});

test("an IPv4 address inside an IPv6 one is itself; through NAT64 only the internet is reached", () => {
  holds(
    fc.property(ipv4, (address) => {
      const kind = classOf(address);
      assert.equal(classOf(`::ffff:${address}`), kind, address);
      assert.equal(classOf(new URL(`http://[::ffff:${address}]/`).hostname.slice(1, -1)), kind, address);
      assert.equal(classOf(`64:ff9b::${address}`), kind === "internet" ? kind : null, address);
      assert.equal(classOf(`::${address}`), address === "0.0.0.1" ? "loopback" : null, address);
    }),
  );
});
