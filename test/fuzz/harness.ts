import { HnError } from "../../host/src/foundation/index.ts";

export interface FuzzReport {
  target: string;
  inputs: number;
  /** Inputs that threw anything but a coded error. */
  crashes: number;
  /** Inputs that took longer than a second. */
  hangs: number;
  seed: number;
  first?: string;
}

export type Chance = (below: number) => number;

/** Small deterministic generator: the same seed gives the same inputs on every machine. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** One to four random edits: flip, delete, insert, duplicate, splice or overwrite with a hostile byte. */
export function mutate(source: Uint8Array, chance: Chance): Uint8Array {
  let bytes = Buffer.from(source);
  for (let edits = 1 + chance(4); edits > 0; edits--) {
    const at = chance(bytes.length + 1);
    const kind = chance(6);
    if (kind === 0 && bytes.length > 0) bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << chance(8));
    else if (kind === 1)
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + chance(8)))]);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([chance(256)]), bytes.subarray(at)]);
    else if (kind === 3)
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - chance(64))), bytes.subarray(at)]);
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(chance(bytes.length + 1))]);
    else if (bytes.length > 0) bytes[at % bytes.length] = [0, 0x22, 0x5c, 0x7b, 0x5b, 0xff, 0xed, 0x80][chance(8)] ?? 0;
  }
  return bytes;
}

/** Feeds `runs` inputs to `target`; only coded errors are a proper answer. */
export async function feed(
  name: string,
  o: { runs: number; seed: number; make: (chance: Chance) => Uint8Array; target: (input: Uint8Array) => unknown },
): Promise<FuzzReport> {
  const chance = chanceOf(o.seed);
  const report: FuzzReport = { target: name, inputs: 0, crashes: 0, hangs: 0, seed: o.seed };
  for (; report.inputs < o.runs; report.inputs++) {
    const input = o.make(chance);
    const started = performance.now();
    try {
      await o.target(input);
    } catch (error) {
      if (!HnError.isHnError(error)) {
        report.crashes++;
        report.first ??= `${String(error)} on ${Buffer.from(input).toString("base64").slice(0, 400)}`;
      }
    }
    if (performance.now() - started > 1000) report.hangs++;
  }
  return report;
}
