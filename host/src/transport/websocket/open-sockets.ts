import type { HnError } from "../../foundation/index.ts";
import type { NodeId } from "../../contract/index.ts";

/** WebSockets that this node has opened to others, so that they can be ended with a word of why. */
export class OpenSockets {
  readonly #open: Map<NodeId, Set<(error: HnError) => void>> = new Map();

  /**
   * @param end  ends the socket and whoever reads it
   * @returns a function that forgets it
   */
  add(node: NodeId, end: (error: HnError) => void): () => void {
    const ends = this.#open.get(node) ?? new Set();
    this.#open.set(node, ends.add(end));
    return () => {
      ends.delete(end);
      if (ends.size === 0 && this.#open.get(node) === ends) this.#open.delete(node);
    };
  }

  nodes(): NodeId[] {
    return [...this.#open.keys()];
  }

  drop(node: NodeId, error: HnError): void {
    for (const end of this.#open.get(node) ?? []) end(error);
  }

  dropAll(error: HnError): void {
    for (const node of this.nodes()) this.drop(node, error);
  }
}
