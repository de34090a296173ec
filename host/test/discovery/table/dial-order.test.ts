import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dialOrder, reachOf, type Address } from "../../../src/discovery/table/dial-order.ts";
import { isWithin } from "../../../src/discovery/table/networks.ts";

const NETWORKS = ["127.0.0.1/8", "192.0.2.7/24", "fe80::1/64", "2001:db8:1::7/48"];

function address(host: string, change: Partial<Address> = {}): Address {
  return { host, port: 7080, source: "dht", lastOk: null, rttMs: null, failures: 0, expires: Infinity, ...change };
}

describe("the order of dialling (network.md §4)", () => {
  it("is: on our own network, typed by people, public, relay", () => {
    const all = [
      address("relay.example", { source: "relay" }),
      address("203.0.113.9"),
      address("house.example", { source: "manual" }),
      address("192.0.2.200"),
    ];
    assert.deepEqual(
      dialOrder(all, NETWORKS).map((one) => reachOf(one, NETWORKS)),
      ["near", "manual", "public", "relay"],
    );
  });

  it("puts what answered last first among equals, and what has failed behind", () => {
    const all = [
      address("203.0.113.1", { failures: 2 }),
      address("203.0.113.2"),
      address("203.0.113.3", { lastOk: 5 }),
      address("203.0.113.4", { lastOk: 9 }),
    ];
    assert.deepEqual(
      dialOrder(all, NETWORKS).map(({ host }) => host.slice(-1)),
      ["4", "3", "2", "1"],
    );
  });

  it("knows both families, and takes no name for an address", () => {
    assert.ok(isWithin(NETWORKS, "192.0.2.1") && isWithin(NETWORKS, "2001:db8:1:ff::2") && isWithin(NETWORKS, "127.1.2.3"));
    assert.ok(!isWithin(NETWORKS, "192.0.3.1") && !isWithin(NETWORKS, "2001:db8:2::1") && !isWithin(NETWORKS, "localhost"));
    assert.ok(!isWithin([], "192.0.2.1"));
  });
});
