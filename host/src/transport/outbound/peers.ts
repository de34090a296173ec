import { LruMap, parseTime } from "../../foundation/index.ts";
import { CONSTANTS, type Clock, type NodeId, type NodeManifest } from "../../contract/index.ts";
import type { ManifestMemory } from "../../identity/index.ts";

const PEERS_MAX = 4096;

interface Known {
  /** Milliseconds their clock is ahead of ours. */
  offsetMs: number;
  manifest?: { issuedAt: number; contract: string };
  features?: readonly string[];
}

/** What this node has learned about others from signed words: their clock, their newest manifest, their features. */
export class KnownPeers implements ManifestMemory {
  readonly #clock: Clock;
  readonly #peers: LruMap<NodeId, Known> = new LruMap(PEERS_MAX);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Unix milliseconds as this peer's clock shows them. */
  nowAt(peer: NodeId): number {
    return this.#clock.now() + (this.#peers.get(peer)?.offsetMs ?? 0);
  }

  /** @returns whether the told time explains the refusal, so that one more try makes sense @source 02 T-2 */
  learnTime(peer: NodeId, serverTime: string): boolean {
    const offsetMs = parseTime(serverTime) - this.#clock.now();
    const gain = Math.abs(parseTime(serverTime) - this.nowAt(peer)) > (CONSTANTS.SIGNED_REQUEST_SKEW_SECONDS * 1000) / 2;
    if (gain) this.#change(peer, { offsetMs });
    return gain;
  }

  /**
   * What a handshake has shown.
   * @param byMs  their clock against {@link nowAt}; what may be no more than the missing fraction of a second changes nothing
   */
  learnOffset(peer: NodeId, byMs: number): void {
    if (Math.abs(byMs) < 2000) return;
    this.#change(peer, { offsetMs: this.nowAt(peer) - this.#clock.now() + byMs });
  }

  /** Whether this peer must sign the end of its streams: all but those that are known not to. */
  signsStreams(peer: NodeId): boolean {
    return this.#peers.get(peer)?.features?.includes("resp-sig") ?? true;
  }

  /** Whether requests to this peer name it: to all but those whose own manifest says that they do not know how. @source 02 T-3 */
  takesRecipient(peer: NodeId): boolean {
    return this.#peers.get(peer)?.features?.includes("req-to") ?? true;
  }

  featuresOf(peer: NodeId): readonly string[] {
    return this.#peers.get(peer)?.features ?? [];
  }

  learnManifest(manifest: NodeManifest): void {
    this.#change(manifest.node_id, { features: manifest.features ?? [] });
  }

  last(node: NodeId): { issuedAt: number; contract: string } | undefined {
    return this.#peers.get(node)?.manifest;
  }

  accept(node: NodeId, manifest: { issuedAt: number; contract: string }): void {
    this.#change(node, { manifest });
  }

  #change(peer: NodeId, change: Partial<Known>): void {
    this.#peers.set(peer, { ...(this.#peers.get(peer) ?? { offsetMs: 0 }), ...change });
  }
}
