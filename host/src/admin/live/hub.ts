import type { LiveServer, Role } from "../../contract/index.ts";

const RING = 256;

type ChangeMessage = Extract<LiveServer, { seq: number }>;
export type Subscriber = (message: ChangeMessage) => void;

interface Topic {
  seq: number;
  ring: ChangeMessage[];
  subscribers: Set<Subscriber>;
  stop: (() => void) | null;
}

/** Roles per fixed topic; `logs:<id>`, `meters:<id>` and `try:<call_id>` are matched by their prefix. @source admin-ui §3 */
const ROLES: Record<string, Role> = {
  node: "viewer",
  health: "viewer",
  plugins: "viewer",
  questions: "viewer",
  jobs: "viewer",
  mesh: "viewer",
  members: "viewer",
  notices: "viewer",
  tokens: "operator",
  calls: "operator",
  ledger: "operator",
  audit: "owner",
};

/** In-memory topics of the live socket: latest 256 changes each, snapshot on subscription. */
export class LiveHub {
  readonly epoch: string;
  readonly #topics: Map<string, Topic> = new Map();
  readonly #snapshots: Map<string, () => unknown> = new Map();
  readonly #sources: Map<string, (rest: string, emit: (data: unknown) => void) => () => void> = new Map();

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  /** What a new subscriber gets first. */
  snapshotWith(topic: string, read: () => unknown): void {
    this.#snapshots.set(topic, read);
  }

  /** A topic, or all topics `prefix:<rest>`, are fed by `start` while somebody watches. */
  feedWith(prefix: string, start: (rest: string, emit: (data: unknown) => void) => () => void): void {
    this.#sources.set(prefix, start);
  }

  roleFor(topic: string): Role | null {
    if (topic.startsWith("meters:")) return "viewer";
    if (topic.startsWith("logs:") || topic.startsWith("try:")) return "operator";
    return ROLES[topic] ?? null;
  }

  publish(topic: string, data: unknown, kind: "change" | "end" = "change"): void {
    const entry = this.#topic(topic);
    const message: ChangeMessage = { topic, epoch: this.epoch, seq: ++entry.seq, kind, data };
    entry.ring.push(message);
    if (entry.ring.length > RING) entry.ring.shift();
    for (const subscriber of entry.subscribers) subscriber(message);
  }

  /**
   * Sends a snapshot, or what was missed since `since`, then every change. A number from another life of the node, or from a topic that has
   * ended meanwhile, counts for nothing: the subscriber learns by a snapshot or a gap that it must read anew.
   */
  subscribe(topic: string, o: { since?: number | undefined; epoch?: string | undefined; subscriber: Subscriber }): () => void {
    const entry = this.#topic(topic);
    const read = this.#snapshots.get(topic);
    // Nobody watched until now, so nobody knows what was missed.
    if (entry.stop === null && read !== undefined && this.#sources.has(topic)) {
      entry.seq += 1;
      entry.ring.length = 0;
    }
    const since = o.since ?? 0;
    const missed = entry.ring.filter((message) => message.seq > since);
    const sameLife = o.epoch === undefined || o.epoch === this.epoch;
    const complete = sameLife && since <= entry.seq && since >= entry.seq - entry.ring.length;
    if (read !== undefined && (o.since === undefined || !complete))
      o.subscriber({ topic, epoch: this.epoch, seq: entry.seq, kind: "snapshot", data: read() });
    else if (!complete) o.subscriber({ topic, epoch: this.epoch, seq: entry.seq, kind: "gap", data: null });
    else for (const message of missed) o.subscriber(message);
    entry.subscribers.add(o.subscriber);
    entry.stop ??= this.#feed(topic);
    return () => {
      entry.subscribers.delete(o.subscriber);
      if (entry.subscribers.size > 0) return;
      entry.stop?.();
      entry.stop = null;
    };
  }

  drop(topic: string): void {
    this.#topics.delete(topic);
  }

  #feed(topic: string): (() => void) | null {
    const colon = topic.indexOf(":");
    const start = this.#sources.get(colon < 0 ? topic : topic.slice(0, colon));
    return start?.(topic.slice(colon + 1), (data) => this.publish(topic, data)) ?? null;
  }

  #topic(topic: string): Topic {
    let entry = this.#topics.get(topic);
    if (entry === undefined) this.#topics.set(topic, (entry = { seq: 0, ring: [], subscribers: new Set(), stop: null }));
    return entry;
  }
}
