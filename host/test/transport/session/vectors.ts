/** The known answers of network.md §1.9, and both ends of that handshake as our code plays them. */
import { readFileSync } from "node:fs";
import type { Random } from "../../../src/contract/index.ts";
import { importSeed, Signer } from "../../../src/identity/index.ts";
import { Initiator, Responder, type Established, type HandshakeOptions } from "../../../src/transport/session/handshake.ts";

export interface PeerSessionVectors {
  prologue: string;
  hello: string;
  accept: string;
  dh: string;
  th0: string;
  th0_without_binding: string;
  th1: string;
  th2: string;
  prk: string;
  master: string;
  sigR: string;
  macR: string;
  sigI: string;
  macI: string;
  th6: string;
  sid: string;
  i2r: { key: string; iv: string };
  r2i: { key: string; iv: string };
  rekey: { key: string; iv: string };
  frame: { header: string; record_header: string; body: string } & Record<
    "hs256_tag" | "c20p_start" | "c20p_tag" | "c20p_sha256",
    string
  >;
  ping: { header: string; record: string } & Record<"hs256_tag" | "c20p_ct" | "c20p_tag", string>;
  leaves: string[];
  root: string;
  seal: { time: string; signature: string; next_prev: string };
  reject: { code: string; server_time: string; signature: string };
}

export const VECTORS: PeerSessionVectors = JSON.parse(
  readFileSync(new URL("../../../../test/vectors/peer-session.json", import.meta.url), "utf8"),
) as PeerSessionVectors;

export const A: Signer = device(Uint8Array.from({ length: 32 }, (_, i) => i));
export const B: Signer = device(Buffer.alloc(32, 0x07));
export const R = "ed25519:GX9rI-FshTLGq8g4-s1ep4m-DHaykgM0A5v6iz02jWE";
export const NOON: number = Date.UTC(2026, 6, 1, 12);

function device(seed: Uint8Array): Signer {
  const { nodeId, key } = importSeed(seed);
  return new Signer(nodeId, key);
}

/** Draws that were agreed on: the key's secret first, then the nonce. */
function draws(...bytes: number[]): Random {
  return (n) => Buffer.alloc(n, bytes.shift() ?? 0);
}

/** What A and B bring to the handshake of the vectors. */
export function sides(change: Partial<HandshakeOptions> = {}): { a: HandshakeOptions & { to: string }; b: HandshakeOptions } {
  const both = {
    community: R,
    binding: Buffer.alloc(32, 0x55),
    via: "" as const,
    suites: ["hs256", "c20p"] as const,
    features: ["seal"],
  };
  return {
    a: {
      ...both,
      signer: A,
      to: B.nodeId,
      boot: "01J9Z3K8V4Q2N7M5C6B1A0XWYA",
      random: draws(0x11, 0x01),
      now: () => NOON,
      ...change,
    },
    b: { ...both, signer: B, boot: "01J9Z3K8V4Q2N7M5C6B1A0XWYB", random: draws(0x22, 0x02), now: () => NOON + 1000, ...change },
  };
}

/** Both ends after a whole handshake. */
export function shakeHands(o: ReturnType<typeof sides> = sides()): { a: Established; b: Established; texts: string[] } {
  const initiator = new Initiator(o.a);
  const responder = new Responder({ ...o.b, admit: () => undefined });
  const accept = responder.hello(initiator.hello);
  const { confirm, established: a } = initiator.answer(accept);
  return { a, b: responder.confirm(confirm), texts: [initiator.hello, accept, confirm] };
}
