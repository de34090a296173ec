import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../contract/index.ts";
import { metadataKey, sha256Hex } from "../../format/index.ts";
import { HnError, readFileBounded, writeFileAtomic } from "../../foundation/index.ts";
import { readAll, type Source, SourceMiss } from "../source/source.ts";
import { ROOT_MAX_BYTES } from "./anchor.ts";

const ROUND_MS = 30_000;
/** The newest root, and the first: a pin outlives a change of keys. */
const PLACES: readonly string[] = ["root.json", metadataKey("root", 1)];

/** A root of which only the hash is known: fetched once, from the registry that it judges or a neighbour, and kept under that hash. */
export class PinnedRoot {
  readonly #o: { id: string; sha256: string; sources: () => Source[]; clock: Clock; folder: string };
  readonly #closed = new AbortController();

  /**
   * @param o.sources  the registry itself, then neighbours
   * @param o.folder   where roots are kept
   */
  constructor(o: { id: string; sha256: string; sources: () => Source[]; clock: Clock; folder: string }) {
    this.#o = o;
  }

  /** From a former run; undefined when it was never there or is not what the hash says any more. */
  kept(): Uint8Array | undefined {
    try {
      const bytes = readFileBounded(this.#path(), ROOT_MAX_BYTES);
      return sha256Hex(bytes) === this.#o.sha256 ? bytes : undefined;
    } catch {
      return undefined;
    }
  }

  /** @param bytes  that hash to what the owner has named */
  keep(bytes: Uint8Array): void {
    mkdirSync(this.#o.folder, { recursive: true, mode: 0o700 });
    writeFileAtomic(this.#path(), bytes);
  }

  close(): void {
    this.#closed.abort(new HnError("partition", { reason: "unreachable", message: "The node is stopping." }));
  }

  /** @throws partition unreachable · invalid_signature wrong_key */
  async fetch(): Promise<Uint8Array> {
    const [own, ...neighbours] = this.#o.sources();
    let failure: unknown;
    for (const source of own === undefined ? [] : [own, ...neighbours])
      try {
        return await this.#fetchFrom(source);
      } catch (error) {
        if (this.#closed.signal.aborted) throw error;
        // What is wrong with a neighbour's copy says nothing about the registry.
        failure ??= error;
      }
    throw failure;
  }

  async #fetchFrom(source: Source): Promise<Uint8Array> {
    const { id, sha256, clock } = this.#o;
    const deadline = new AbortController();
    const timer = clock.setTimeout(
      () =>
        deadline.abort(new HnError("partition", { reason: "unreachable", message: `The registry ${id} answers too slowly.` })),
      ROUND_MS,
    );
    const signal = AbortSignal.any([deadline.signal, this.#closed.signal]);
    let isThere = false;
    try {
      for (const key of PLACES) {
        const bytes = await readOne(source, key, signal);
        isThere ||= bytes !== undefined;
        if (bytes === undefined || sha256Hex(bytes) !== sha256) continue;
        this.keep(bytes);
        return bytes;
      }
    } finally {
      timer.cancel();
    }
    if (!isThere)
      throw new HnError("partition", {
        reason: "unreachable",
        message: `Where the registry ${id} should be, there is none.`,
        action: "Check its address or folder in hearthnet.config.ts; a stick has to be plugged in and mounted.",
      });
    throw new HnError("invalid_signature", {
      reason: "wrong_key",
      message: `The registry ${id} shows another root than the one that the configuration names by its hash.`,
      action: "Ask its keeper for the hash by a way that you trust; until it fits, nothing of it is used.",
    });
  }

  #path(): string {
    return join(this.#o.folder, `${this.#o.sha256}.json`);
  }
}

async function readOne(source: Source, key: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    return await readAll(source, key, { maxBytes: ROOT_MAX_BYTES, signal });
  } catch (error) {
    if (error instanceof SourceMiss) return undefined;
    throw error;
  }
}
