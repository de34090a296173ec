import { HnError } from "../../host/src/foundation/index.ts";

export interface FuzzReport {
  target: string;
  inputs: number;
  /** Inputs that threw anything but a coded error. */
  crashes: number;
  /** Inputs that took longer than `slowMs`, three times in a row. */
  hangs: number;
  seed: number;
  /** Inputs that were taken: a generator that only makes rubbish tests nothing. */
  accepted: number;
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

/**
 * Feeds `runs` inputs to `target`; only coded errors are a proper answer.
 * @param o.slowMs  longer than this is a hang; 1000 unless the target promises less
 */
export async function feed(
  name: string,
  o: {
    runs: number;
    seed: number;
    slowMs?: number;
    make: (chance: Chance) => Uint8Array;
    target: (input: Uint8Array) => unknown;
  },
): Promise<FuzzReport> {
  const chance = chanceOf(o.seed);
  const slowMs = o.slowMs ?? 1000;
  const report: FuzzReport = { target: name, inputs: 0, crashes: 0, hangs: 0, seed: o.seed, accepted: 0 };
  for (; report.inputs < o.runs; report.inputs++) {
    const input = o.make(chance);
    const outcome = await judge(o.target, input);
    if (outcome.accepted) report.accepted++;
    const blame = (why: string): void => {
      report.first ??= `${why} on ${Buffer.from(input).toString("base64").slice(0, 400)}`;
    };
    if (outcome.crash !== undefined) {
      report.crashes++;
      blame(outcome.crash);
    }
    // The machine is shared: one slow reading proves nothing, three in a row do.
    let { ms } = outcome;
    for (let again = 0; again < 2 && ms > slowMs; again++) ms = Math.min(ms, (await judge(o.target, input)).ms);
    if (ms > slowMs) {
      report.hangs++;
      blame(`${Math.round(ms)} ms`);
    }
  }
  return report;
}

async function judge(
  target: (input: Uint8Array) => unknown,
  input: Uint8Array,
): Promise<{ accepted: boolean; ms: number; crash?: string }> {
  // The thread's own time: what other programs take meanwhile is not the reader's fault.
  const before = process.threadCpuUsage();
  const spent = (): number => {
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1000;
  };
  try {
    await target(input);
    return { accepted: true, ms: spent() };
  } catch (error) {
    const ms = spent();
    return HnError.isHnError(error) ? { accepted: false, ms } : { accepted: false, ms, crash: String(error) };
  }
}
