import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Frame, RequestEnvelope, ResponseEnvelope } from "../../../src/contract/index.ts";

interface Case {
  name: string;
  signer: string;
  signature: string;
}
interface Keys {
  keys: Record<string, { seed_hex: string; node_id: string }>;
}

function read<T>(name: string): Keys & { cases: (Case & T)[] } {
  const path = join(import.meta.dirname, "../../../../test/vectors", `${name}.json`);
  return JSON.parse(readFileSync(path, "utf8")) as Keys & { cases: (Case & T)[] };
}

/** Known answers of the protocol. @source shared test vectors */
export const REQUESTS: Keys & { cases: (Case & { envelope: RequestEnvelope })[] } = read("request");
export const RESPONSES: Keys & { cases: (Case & { envelope: ResponseEnvelope })[] } = read("response");
export const STREAMS: Keys & { cases: (Case & { frames: Frame[]; terminal: Frame; digest: string })[] } = read("stream");

export function seedOf(name: string): Uint8Array {
  return Buffer.from(REQUESTS.keys[name]?.seed_hex ?? "", "hex");
}

export function nodeIdOf(name: string): string {
  return REQUESTS.keys[name]?.node_id ?? "";
}

/** The one of this name. */
export function caseOf<T extends Case>(file: { cases: T[] }, name: string): T {
  const found = file.cases.find((one) => one.name === name);
  if (!found) throw new Error(`no vector is called ${name}`);
  return found;
}
