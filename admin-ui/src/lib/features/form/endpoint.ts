export type EndpointClass = "internet" | "lan" | "loopback";

/**
 * Where an address leads, as far as its own text tells; a name is resolved by the node alone.
 * @returns null for a text that is no address with a host
 * @source admin-ui §6 `x-endpoint`
 */
export function endpointClass(text: string): EndpointClass | null {
  const host = URL.parse(text)?.hostname.replace(/\.$/, "") ?? "";
  if (host === "") return null;
  if (host.startsWith("[")) return v6Class(host.slice(1, -1));
  if (/^\d+(\.\d+){3}$/.test(host)) return v4Class(host);
  if (host === "localhost" || host.endsWith(".localhost")) return "loopback";
  return !host.includes(".") || /\.(local|lan|home\.arpa|internal)$/.test(host) ? "lan" : "internet";
}

function v4Class(host: string): EndpointClass {
  const [a = 0, b = 0] = host.split(".").map(Number);
  if (a === 127 || host === "0.0.0.0") return "loopback";
  const own = a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254);
  return own || (a === 100 && b >= 64 && b < 128) ? "lan" : "internet";
}

/** The browser writes an IPv4 address within IPv6 as `::ffff:c0a8:101`. */
function v6Class(host: string): EndpointClass {
  if (host === "::1" || host === "::") return "loopback";
  const within = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host);
  if (within !== null) {
    const n = (parseInt(within[1] ?? "", 16) << 16) | parseInt(within[2] ?? "", 16);
    return v4Class([24, 16, 8, 0].map((bits) => (n >>> bits) & 255).join("."));
  }
  return /^f[cd]|^fe[89ab]/.test(host) ? "lan" : "internet";
}
