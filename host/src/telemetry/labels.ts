import { LruMap } from "../foundation/index.ts";
import { isNodeId, shortId } from "../identity/index.ts";
import type { Bus, NodeId } from "../contract/index.ts";

/** Whatever does not fit. */
export const OTHER = "other";
const NODES_MAX = 256;
const NAMES_MAX = 512;
/** Short ids that are remembered, because each is computed. */
const SHORT_MAX = 1024;

/** Short ids by whole ones. Whoever called without proving who it is has no id. */
export class ShortIds {
  readonly #known: LruMap<NodeId, string> = new LruMap(SHORT_MAX);

  of(id: NodeId): string {
    let short = this.#known.get(id);
    if (short === undefined) this.#known.set(id, (short = isNodeId(id) ? shortId(id) : "none"));
    return short;
  }
}

/**
 * Values of labels, kept few: whoever could make up new ones could fill the collector's memory. A capability is named only if this node has
 * offered it; nodes by their short id, the first 256 of them.
 * @source 03 B-13
 */
export class Labels {
  readonly #names: Set<string> = new Set();
  readonly #nodes: Map<NodeId, string> = new Map();

  constructor(bus: Pick<Bus, "entries" | "onChange">) {
    for (const entry of bus.entries()) if (entry.is_local) this.#learn(entry.descriptor.name);
    bus.onChange(({ kind, entry }) => {
      if (kind !== "removed" && entry.is_local) this.#learn(entry.descriptor.name);
    });
  }

  capability(name: string): string {
    return this.#names.has(name) ? name : OTHER;
  }

  node(id: NodeId): string {
    const known = this.#nodes.get(id);
    if (known !== undefined) return known;
    if (this.#nodes.size >= NODES_MAX) return OTHER;
    const label = isNodeId(id) ? shortId(id) : OTHER;
    this.#nodes.set(id, label);
    return label;
  }

  #learn(name: string): void {
    if (this.#names.size < NAMES_MAX) this.#names.add(name);
  }
}
