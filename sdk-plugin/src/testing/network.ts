/** The world around a plugin under test: nothing answers but the servers that its test has started. @source plugin-platform §4.7 */
import { connect, isIP, Socket } from "node:net";
import type { NetWays } from "@hearthnet/host/plugin-host";

export interface TestServer {
  /** Where the test's own server listens on this machine. */
  port: number;
  /** Of which the plugin's node takes the name to be; default one of the internet. */
  address?: string;
}

export interface TestNetwork {
  /** By `host:port` as the plugin calls it. */
  servers: Readonly<Record<string, TestServer>>;
  /** PEM of whoever issued the certificates of servers with TLS. */
  ca?: string;
}

/** Some address that is nobody's in particular: what decides about internet and home looks at it, nothing is ever sent there. */
const ELSEWHERE = "45.0.0.1";

/** Rights are decided as on a node; loopback is this machine's, so that a server without a name needs nothing but its port. */
export function networkOf({ servers, ca }: TestNetwork = { servers: {} }): NetWays {
  const doors = Object.entries(servers).map(([name, { port, address = ELSEWHERE }]) => {
    const at = name.lastIndexOf(":");
    const host = name.slice(0, at);
    return { host, called: Number(name.slice(at + 1)), port, address: isIP(host) === 0 ? address : host };
  });
  return {
    resolve: async (name) => {
      const found = doors.filter(({ host }) => host === name).map(({ address }) => address);
      if (found.length === 0) throw new Error(`the test has no server ${name}`);
      return [...new Set(found)];
    },
    dial: (address, port) => {
      const door = doors.find((one) => one.address === address && one.called === port);
      if (door !== undefined) return connect({ host: "127.0.0.1", port: door.port, allowHalfOpen: true });
      if (address.startsWith("127.") || address === "::1") return connect({ host: address, port, allowHalfOpen: true });
      const nobody = new Socket();
      setImmediate(() => nobody.destroy(new Error(`the test has no server at ${address}`)));
      return nobody;
    },
    own: () => new Set(),
    ...(ca === undefined ? {} : { ca }),
  };
}
