/** The rooms of the host: where each stands and which npm packages are named for it. ARCHITECTURE.md and `.oxlintrc.json` say the same. */

export interface Room {
  /** It imports rooms with a lower number. */
  floor: number;
  /** Neighbours on its own floor that it may import all the same. */
  beside?: readonly string[];
  packages: readonly string[];
}

export const ROOMS: Readonly<Record<string, Room>> = {
  contract: { floor: 0, packages: [] },
  foundation: { floor: 0, beside: ["contract"], packages: ["pino"] },
  identity: {
    floor: 1,
    packages: ["@noble/hashes", "@peculiar/x509", "hash-wasm", "libsodium-wrappers", "reflect-metadata", "sodium-native"],
  },
  "command-line": { floor: 1, packages: [] },
  community: { floor: 2, packages: [] },
  tokens: { floor: 2, packages: [] },
  format: { floor: 2, packages: ["ajv", "croner", "semver", "tar"] },
  bus: { floor: 3, packages: ["ajv", "re2js"] },
  transport: { floor: 4, packages: ["fastify", "undici", "ws"] },
  discovery: { floor: 4, packages: ["dns-packet"] },
  dht: { floor: 4, packages: ["k-bucket"] },
  telemetry: { floor: 4, packages: ["@opentelemetry/exporter-trace-otlp-http", "prom-client"] },
  runtime: { floor: 5, packages: ["ajv", "ws"] },
  marketplace: { floor: 6, packages: ["@tufjs/models", "tuf-js", "undici"] },
  admin: { floor: 7, packages: ["@fastify/cookie", "@fastify/static", "@fastify/websocket", "ajv", "fastify", "ws"] },
  cli: { floor: 7, packages: ["uqr"] },
};

/** `node.ts`, `main.ts` and what stands beside them; they know every room. */
export const TOP = 8;

export function mayImport(room: string, other: string): boolean {
  const [here, there] = [ROOMS[room], ROOMS[other]];
  if (here === undefined || there === undefined) return false;
  return there.floor < here.floor || (here.beside ?? []).includes(other);
}
