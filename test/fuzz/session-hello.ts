import { readFileSync } from "node:fs";
import { join } from "node:path";
import { importSeed, Signer } from "../../host/src/identity/index.ts";
import { SUITES } from "../../host/src/transport/session/cipher.ts";
import { Responder } from "../../host/src/transport/session/handshake.ts";
import { readAccept, readHello, readMessage } from "../../host/src/transport/session/hello.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";
import { oneIn, pick } from "./inputs/json-text.ts";

const SLOW_MS = 50;
const NOON = Date.UTC(2026, 6, 1, 12);
const VECTORS = JSON.parse(readFileSync(join(import.meta.dirname, "..", "vectors", "peer-session.json"), "utf8")) as {
  hello: string;
  accept: string;
};
const VALUES: readonly unknown[] = [
  "",
  "x",
  0,
  -1,
  2 ** 60,
  null,
  [],
  {},
  ["c20p", "hs256"],
  ["gm256"],
  "ed25519:",
  "x25519:AA",
  "2026-02-30T00:00:00Z",
  "\u0000",
  "é".repeat(60),
];
const signer = responderKey();

/**
 * HELLO as anybody may send it, read by the side that is dialled up to its answer. Whatever is answered was well-formed, meant for this node,
 * fresh, and within 4 KiB.
 * @source network.md §7 scenario 15
 */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("session-hello", { ...o, slowMs: SLOW_MS, make, target: read });
}

function make(chance: Chance): Uint8Array {
  if (oneIn(chance, 8)) return mutate(Buffer.from(VECTORS.accept), chance);
  const hello = JSON.parse(VECTORS.hello) as Record<string, unknown>;
  const keys = Object.keys(hello);
  for (let edits = oneIn(chance, 3) ? 0 : 1 + chance(2); edits > 0; edits--) {
    const name = oneIn(chance, 6) ? pick(chance, ["__proto__", "later", "replaces", "T"]) : pick(chance, keys);
    if (oneIn(chance, 5)) delete hello[name];
    else
      Object.defineProperty(hello, name, { value: pick(chance, VALUES), enumerable: true, configurable: true, writable: true });
  }
  const text = Buffer.from(JSON.stringify(hello));
  return oneIn(chance, 2) ? mutate(text, chance) : text;
}

function read(input: Uint8Array): void {
  if (input.includes(0x61) && Buffer.from(input).includes('"accept"')) readAccept(readMessage(input, "accept"));
  const { said } = readHello(input);
  if (input.byteLength > 4096) throw new Error("took a message beyond 4 KiB");
  const answers = new Responder({
    signer,
    community: said.community,
    boot: "01J9Z3K8V4Q2N7M5C6B1A0XWYB",
    random: (n) => Buffer.alloc(n, 3),
    now: () => NOON,
    suites: SUITES,
    binding: Buffer.alloc(32, 0x55),
    via: "",
    admit: () => undefined,
  });
  const accept = answers.hello(input);
  if (said.to !== signer.nodeId || said.cb !== "tls-exporter" || said.via !== "")
    throw new Error("answered what was not meant for it");
  if (!accept.includes('"t":"accept"')) throw new Error("answered with something else");
}

function responderKey(): Signer {
  const { nodeId, key } = importSeed(Buffer.alloc(32, 7));
  return new Signer(nodeId, key);
}
