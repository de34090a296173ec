/**
 * Networks of their own for real nodes: each node in a network namespace, its cable plugged into a switch or a router that is a namespace too. The
 * machine's own network is never touched, and everything is gone after the test.
 * @example
 * const lane = new Lane(t);
 * const anna = lane.house({ street: "10.77.1", host: 2 });
 * await startNode(t, { discovery: true, within: anna.prefix });
 * lane.pull(anna);
 */
import { execFileSync } from "node:child_process";
import type { Closing } from "./live-node.ts";

const COMMAND_LIMIT_MS = 10_000;

/** Why networks cannot be made here; false when they can. For `skip`. */
export const noNetworks: string | false = reason();

function reason(): string | false {
  const name = `hn-probe-${process.pid}`;
  try {
    run("ip", ["netns", "add", name]);
    run("ip", ["netns", "del", name]);
    return false;
  } catch {
    return "needs CAP_NET_ADMIN";
  }
}

export interface House {
  /** Of its namespace. */
  name: string;
  address: string;
  /** Words before a command that is to run there. */
  prefix: string[];
  /** The other end of its cable. */
  port: { at: string; name: string };
}

let count = 0;

/** One street, or two with a router between them. */
export class Lane {
  readonly #t: Closing;
  readonly #streets: Map<string, string> = new Map();

  constructor(t: Closing) {
    this.#t = t;
  }

  /** @param o.street  first three numbers of its addresses, e.g. `10.77.1` */
  house({ street, host }: { street: string; host: number }): House {
    const name = this.#namespace("house");
    const at = this.#switch(street);
    const port = { at, name: `p${host}` };
    const address = `${street}.${host}`;
    this.#cable(port, { at: name, name: "eth0" });
    this.#in(at, ["link", "set", port.name, "master", "bridge"]);
    this.#in(name, ["addr", "add", `${address}/24`, "dev", "eth0"]);
    this.#in(name, ["link", "set", "eth0", "up"]);
    return { name, address, prefix: ["ip", "netns", "exec", name], port };
  }

  /** The cable is out. */
  pull(house: House): void {
    this.#in(house.port.at, ["link", "set", house.port.name, "down"]);
  }

  plug(house: House): void {
    this.#in(house.port.at, ["link", "set", house.port.name, "up"]);
  }

  /** Another address in the same street, as after a visit to another router. */
  renumber(house: House, host: number): void {
    const address = house.address.replace(/\d+$/, String(host));
    this.#in(house.name, ["addr", "flush", "dev", "eth0"]);
    this.#in(house.name, ["addr", "add", `${address}/24`, "dev", "eth0"]);
    house.address = address;
  }

  /**
   * A router with a foot in both streets. With `hides`, whoever lives in the first street is seen under the router's address, and nobody outside
   * can begin a conversation with them.
   */
  router([inside, outside]: [string, string], houses: readonly House[], o: { hides: boolean }): void {
    const name = this.#namespace("router");
    for (const [index, street] of [inside, outside].entries()) {
      const at = this.#switch(street);
      this.#cable({ at, name: "p1" }, { at: name, name: `eth${index}` });
      this.#in(at, ["link", "set", "p1", "master", "bridge"]);
      this.#in(name, ["addr", "add", `${street}.1/24`, "dev", `eth${index}`]);
      this.#in(name, ["link", "set", `eth${index}`, "up"]);
    }
    run("ip", ["netns", "exec", name, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
    for (const house of houses)
      this.#in(house.name, ["route", "add", "default", "via", house.address.replace(/\d+$/, "1"), "dev", "eth0"]);
    if (!o.hides) return;
    this.#rules(name, [
      "add table ip hn",
      "add chain ip hn out { type nat hook postrouting priority 100 ; }",
      "add rule ip hn out oifname eth1 masquerade",
      "add chain ip hn through { type filter hook forward priority 0 ; }",
      "add rule ip hn through iifname eth1 ct state new drop",
    ]);
  }

  /** Loses so many of a hundred packets that arrive there. */
  lose(house: House, percent: number): void {
    this.#rules(house.name, [
      "add table ip hn",
      "add chain ip hn in { type filter hook input priority 0 ; }",
      `add rule ip hn in iifname eth0 numgen random mod 100 < ${percent} drop`,
    ]);
  }

  /**
   * Packets leave there late, or, where the kernel has no netem, in a thin stream in which they queue.
   * @param o.orNone  rather not at all than thin
   * @returns which of them
   */
  delay(house: House, ms: number, o: { orNone?: boolean } = {}): "netem" | "tbf" | "none" {
    try {
      run("tc", ["-n", house.name, "qdisc", "add", "dev", "eth0", "root", "netem", "delay", `${ms}ms`]);
      return "netem";
    } catch {
      if (o.orNone === true) return "none";
      const shape = ["tbf", "rate", "256kbit", "burst", "3000", "latency", `${ms * 2}ms`];
      run("tc", ["-n", house.name, "qdisc", "add", "dev", "eth0", "root", ...shape]);
      return "tbf";
    }
  }

  #switch(street: string): string {
    const known = this.#streets.get(street);
    if (known !== undefined) return known;
    const name = this.#namespace("switch");
    this.#streets.set(street, name);
    this.#in(name, ["link", "add", "bridge", "type", "bridge"]);
    this.#in(name, ["link", "set", "bridge", "up"]);
    return name;
  }

  #namespace(kind: string): string {
    const name = `hn-${kind}-${process.pid}-${(count += 1)}`;
    run("ip", ["netns", "add", name]);
    this.#t.after(() => run("ip", ["netns", "del", name]));
    this.#in(name, ["link", "set", "lo", "up"]);
    return name;
  }

  #cable(one: { at: string; name: string }, other: { at: string; name: string }): void {
    this.#in(one.at, ["link", "add", one.name, "type", "veth", "peer", "name", other.name, "netns", other.at]);
    this.#in(one.at, ["link", "set", one.name, "up"]);
  }

  #in(namespace: string, words: string[]): void {
    run("ip", ["-n", namespace, ...words]);
  }

  #rules(namespace: string, rules: string[]): void {
    for (const rule of rules) run("ip", ["netns", "exec", namespace, "nft", rule]);
  }
}

function run(program: string, words: string[]): void {
  execFileSync(program, words, { stdio: ["ignore", "ignore", "pipe"], timeout: COMMAND_LIMIT_MS });
}
