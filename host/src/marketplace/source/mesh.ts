import type { Endpoint, NodeId, PackageAnswer, PackageQuestion } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { type OpenOptions, type Source, SourceMiss } from "./source.ts";

/** A neighbour's node that gives packages. */
export interface Neighbour {
  node_id: NodeId;
  name: string;
  endpoints: Endpoint[];
}

/** The neighbours as the marketplace needs them. */
export interface Neighbours {
  /** Those in reach that give packages, the one to ask first in front; a few. */
  near(): Neighbour[];
  /** @throws as `PackageLink.packageFile` */
  ask(of: Neighbour, question: PackageQuestion, o: { signal?: AbortSignal }): Promise<PackageAnswer>;
}

const META = /^tuf\/([A-Za-z0-9.-]+)$/;
const BLOB = /^blobs\/sha256\/[0-9a-f]{2}\/([0-9a-f]{64})$/;
const CID = /^blake3:([0-9a-f]{64})$/;

/** One registry as a neighbour's node keeps it. @param o.registry  its short name, by which the neighbour knows it @source marketplace §5.5 */
export function meshSource({ of, registry, neighbours }: { of: Neighbour; registry: string; neighbours: Neighbours }): Source {
  return {
    neighbour: of.name,
    ranged: true,
    async open(key, signal, more = {}) {
      const question = questionOf(key, { registry, ...more });
      if (question === undefined) throw new SourceMiss(key);
      try {
        const answer = await neighbours.ask(of, question, signal === undefined ? {} : { signal });
        return without(answer.bytes, (more.from ?? 0) - answer.from);
      } catch (error) {
        signal?.throwIfAborted();
        const known = HnError.from(error);
        if (known.code === "not_found") throw new SourceMiss(key);
        throw known;
      }
    },
    close: () => Promise.resolve(),
  };
}

function questionOf(key: string, { registry, cid, from }: OpenOptions & { registry: string }): PackageQuestion | undefined {
  if (key === "root.json") return { kind: "meta", registry, file: "root.json" };
  const [, file] = META.exec(key) ?? [];
  if (file !== undefined) return { kind: "meta", registry, file };
  const [, sha256] = BLOB.exec(key) ?? [];
  if (sha256 === undefined) return undefined;
  const [, id] = CID.exec(cid ?? "") ?? [];
  const name = id === undefined ? ({ by: "sha256", hash: sha256 } as const) : ({ by: "blake3", hash: id } as const);
  return { kind: "blob", ...name, ...(from === undefined ? {} : { from }) };
}

/** Leaves out the first bytes, for what could not begin in the middle. */
export async function* without(bytes: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = Math.max(0, count);
  for await (const part of bytes) {
    if (left < part.byteLength) yield left === 0 ? part : part.subarray(left);
    left = Math.max(0, left - part.byteLength);
  }
}
