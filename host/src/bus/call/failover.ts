import type { HnError } from "../../foundation/index.ts";
import type { NodeId } from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";

const ALWAYS = new Set<string>(["partition", "capacity_exceeded", "relay_unreachable"]);
const IF_IDEMPOTENT = new Set<string>(["timeout", "internal_error", "plugin_gone"]);
const ATTEMPTS = 3;

/**
 * Decides whether a failed attempt may go to another node. Other nodes are asked at once: one node's trouble says nothing about the next.
 * @source 03 B-8
 */
export class Failover {
  readonly #tried: Set<NodeId> = new Set();
  #first: HnError | undefined;

  get tried(): ReadonlySet<NodeId> {
    return this.#tried;
  }

  /** Why the first attempt failed: what the caller hears when nobody else can help. */
  get first(): HnError | undefined {
    return this.#first;
  }

  /** @returns whether another candidate may be tried */
  failed(provider: Provider, error: HnError): boolean {
    this.#tried.add(provider.node_id);
    this.#first ??= error;
    if (this.#tried.size >= ATTEMPTS) return false;
    return ALWAYS.has(error.code) || (provider.descriptor.idempotent && IF_IDEMPOTENT.has(error.code));
  }
}
