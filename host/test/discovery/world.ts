/** Nodes at addresses, without sockets: whoever is at a place answers there with a manifest of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  Endpoint,
  FetchLimits,
  Member,
  NodeId,
  NodeManifest,
  PeerHint,
  PeerLink,
  PeerSource,
  Standing,
} from "../../src/contract/index.ts";
import { openPeers, type PeersOptions } from "../../src/discovery/index.ts";
import { HnError, ManualClock, silentLog } from "../../src/foundation/index.ts";
import { buildManifest, importSeed, Signer } from "../../src/identity/index.ts";
import { facts } from "../identity/people.ts";
import { seededRandom } from "../support/people.ts";

export const OURS: NodeId = signerOf(100_000).nodeId;
export const ME: NodeId = signerOf(100_001).nodeId;

function signerOf(seed: number): Signer {
  const bytes = Buffer.alloc(32, 7);
  bytes.writeUInt32BE(seed);
  const { nodeId, key } = importSeed(bytes);
  return new Signer(nodeId, key);
}

/** One node of the world. */
export interface Somebody {
  signer: Signer;
  nodeId: NodeId;
  /** Where it can be reached; null: nowhere. */
  at: { host: string; port: number } | null;
  standing: Standing["kind"];
}

export class World {
  readonly clock: ManualClock = new ManualClock();
  readonly people: Somebody[];
  readonly peers: ReturnType<typeof openPeers>;
  /** Of the bus: who is routed to. */
  readonly routed: Set<NodeId> = new Set();
  /** Dials that are under way, and the most there ever were. */
  flying = 0;
  flyingMost = 0;
  readonly dials: { place: string; at: number }[] = [];
  /** Answers are held back while it is set. */
  held: Promise<void> | null = null;
  /** Their exchanges of logs never end. */
  readonly endless: Set<NodeId> = new Set();
  readonly #listeners: Set<Parameters<PeersOptions["community"]["onEvent"]>[0]> = new Set();

  /** @param count  people 1 … count; none is a member yet */
  constructor(t: { after(close: () => unknown): void }, count: number, o: Partial<PeersOptions> = {}) {
    this.people = Array.from({ length: count }, (_, index) => {
      const signer = signerOf(index + 1);
      return { signer, nodeId: signer.nodeId, at: { host: `192.0.2.${index + 10}`, port: 7080 }, standing: "stranger" as const };
    });
    const folder = mkdtempSync(join(tmpdir(), "hn-discovery-"));
    this.peers = openPeers({
      path: join(folder, "peers.db"),
      nodeId: ME,
      clock: this.clock,
      random: seededRandom(7),
      log: silentLog,
      link: { fetchManifest: (...args: Parameters<PeerLink["fetchManifest"]>) => this.#fetch(...args) } as PeerLink,
      bus: { peerSeen: ({ node_id }) => void this.routed.add(node_id), peerGone: (node) => void this.routed.delete(node) },
      community: {
        communityId: () => OURS,
        standing: (node) => this.#standing(node),
        levelOf: (node) => (this.#standing(node).kind === "member" ? "member" : "unknown"),
        members: () => this.people.filter(({ standing }) => standing === "member").map((one) => this.#member(one)),
        syncWith: ({ node_id }) =>
          this.endless.has(node_id) ? new Promise(() => {}) : Promise.resolve({ stage: 0, received: 0, sent: 0, rounds: 0 }),
        onEvent: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      networks: () => ["192.0.2.1/24"],
      ...o,
    });
    t.after(() => {
      this.peers.close();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  one(index: number): Somebody {
    return this.people[index % this.people.length] as Somebody;
  }

  hint(who: { host: string; port: number }, o: Partial<PeerHint> & { source?: PeerSource } = {}): void {
    const { source = "mdns", ttlMs = 120_000, nodeId } = o;
    const named = nodeId === undefined ? {} : { nodeId };
    this.peers.hint({ source, ttlMs, detail: "test", host: who.host, port: who.port, ...named });
  }

  say(type: string): void {
    for (const listener of this.#listeners) listener({ event_type: type } as never);
  }

  /** Until every promise that could settle has settled. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 30; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  #standing(node: NodeId): Standing {
    const kind = this.people.find(({ nodeId }) => nodeId === node)?.standing ?? "stranger";
    return kind === "member" ? { kind, level: "member" } : kind === "invitee" ? { kind: "stranger" } : { kind };
  }

  #member({ nodeId }: Somebody): Member {
    return {
      node_id: nodeId,
      display_name: "",
      level: "member",
      added_at: "2026-07-01T12:00:00Z",
      added_by: OURS,
      endpoints: [],
    };
  }

  async #fetch(at: Endpoint, expected?: NodeId, limits: FetchLimits = {}): Promise<NodeManifest> {
    this.dials.push({ place: `${at.host}:${at.port}`, at: this.clock.monotonic() });
    this.flying += 1;
    this.flyingMost = Math.max(this.flyingMost, this.flying);
    try {
      await (this.held ?? Promise.resolve());
      if (limits.signal?.aborted === true) throw new HnError("timeout");
      const who = this.people.find((one) => one.at?.host === at.host && one.at.port === at.port);
      if (who === undefined) throw new HnError("partition", { reason: "provider_unreachable" });
      if (expected !== undefined && expected !== who.nodeId) throw new HnError("invalid_signature", { reason: "tls_mismatch" });
      return buildManifest(who.signer, {
        now: this.clock.now(),
        facts: facts({
          display_name: "Somebody",
          community_id: who.standing === "stranger" ? who.nodeId : OURS,
          endpoints: [{ ...at }],
        }),
      });
    } finally {
      this.flying -= 1;
    }
  }
}
