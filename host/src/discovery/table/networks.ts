import { BlockList, isIPv4, isIPv6 } from "node:net";

/** @param networks  this machine's own, e.g. `192.0.2.7/24` */
export function isWithin(networks: readonly string[], address: string): boolean {
  const family = isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : null;
  if (family === null) return false;
  const list = new BlockList();
  for (const network of networks) {
    const [net = "", bits = ""] = network.split("/");
    if ((isIPv4(net) ? "ipv4" : "ipv6") === family) list.addSubnet(net, Number(bits), family);
  }
  return list.check(address, family);
}
