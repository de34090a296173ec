/** Marketplaces that ask each other: all real but the way between them, which carries what the shelf gives and takes notes. */
import type { PackageQuestion } from "../../host/src/contract/index.ts";
import { HnError } from "../../host/src/foundation/index.ts";
import type { Neighbour, Neighbours } from "../../host/src/marketplace/index.ts";
import type { Node } from "./shop.ts";

/** What becomes of a file on its way. */
export type Spoil = (bytes: AsyncIterable<Uint8Array>, question: PackageQuestion) => AsyncIterable<Uint8Array>;

export interface Resident {
  name: string;
  node: Node;
  spoil?: Spoil;
}

export interface Way extends Neighbours {
  /** In order, as `Anna sha256 ab12…` or `Anna 3.snapshot.json`; with `+N` where it began at byte N. */
  asked: string[];
}

const PIECE_BYTES = 100;

export function wayTo(residents: readonly Resident[]): Way {
  const asked: string[] = [];
  return {
    asked,
    near: () => residents.map(({ name }): Neighbour => ({ node_id: `ed25519:${name}`, name, endpoints: [] })),
    ask: async ({ name }, question, { signal }) => {
      const { node, spoil = asItIs } = residents.find((one) => one.name === name) as Resident;
      signal?.throwIfAborted();
      const { shelf } = node.marketplace;
      const from = question.kind === "blob" ? (question.from ?? 0) : 0;
      const what = question.kind === "meta" ? question.file : `${question.by} ${question.hash.slice(0, 8)}`;
      asked.push(`${name} ${what}${from === 0 ? "" : ` +${from}`}`);
      if (question.kind === "meta") {
        const bytes = shelf.meta(question.registry, question.file);
        if (bytes === undefined) throw new HnError("not_found", { reason: "package_absent" });
        return { from: 0, bytes: spoil(pieces(bytes), question) };
      }
      const file = shelf.blob(question.by, question.hash);
      if (file === undefined) throw new HnError("not_found", { reason: "package_absent" });
      return { from, bytes: spoil(inPieces(file.read(from, file.sizeBytes)), question) };
    },
  };
}

const asItIs: Spoil = (bytes) => bytes;

async function* inPieces(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const part of bytes) yield* pieces(part);
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

/** Turns one bit of the first byte, in files that are no lists. */
export const liar: Spoil = (bytes, question) =>
  question.kind === "meta" ? bytes : flipped(bytes, (part) => Buffer.from([(part[0] ?? 0) ^ 1, ...part.subarray(1)]));

/** Turns one bit of the first byte of every list but the timestamp. */
export const listLiar: Spoil = (bytes, question) =>
  question.kind !== "meta" || question.file === "timestamp.json"
    ? bytes
    : flipped(bytes, (part) => Buffer.from([(part[0] ?? 0) ^ 1, ...part.subarray(1)]));

async function* flipped(bytes: AsyncIterable<Uint8Array>, change: (part: Uint8Array) => Uint8Array): AsyncGenerator<Uint8Array> {
  let first = true;
  for await (const part of bytes) {
    yield first ? change(part) : part;
    first = false;
  }
}

/** Says nothing more after so many bytes of a file. */
export function silentAfter(count: number, before: Spoil = asItIs): Spoil {
  return (bytes, question) => (question.kind === "meta" ? bytes : cut(before(bytes, question), count));
}

async function* cut(bytes: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const part of bytes) {
    if (done >= count) throw new HnError("partition", { reason: "stream_cut" });
    done += part.byteLength;
    yield part;
  }
}
