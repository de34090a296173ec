import type { Metadata, Root, Snapshot, TargetFile, Targets, Timestamp } from "@tufjs/models";
import { EqualVersionError } from "tuf-js/dist/error.js";
import { TrustedMetadataStore } from "tuf-js/dist/store.js";
import { ISSUED_FIELD } from "../../format/index.ts";
import { HnError } from "../../foundation/index.ts";
import { tufFailure } from "./failure.ts";

const MAX_ROOT_ROTATIONS = 256;
const MAX_DELEGATIONS = 32;
/** Most bytes of a role whose length nobody has signed. */
export const MAX_BYTES = { root: 512_000, timestamp: 16_384, snapshot: 2_000_000, targets: 5_000_000 };

/** Verified metadata by role. */
export type Kept = ReadonlyMap<string, Uint8Array>;

export interface WorkflowOptions {
  /** The newest root that is trusted. */
  root: Uint8Array;
  /** What was verified before: the floor below which nothing falls. */
  kept: Kept;
  /**
   * A file below `tuf/`, or null when there is no such file.
   * @param judge  throws when the bytes are not what was wanted; for whoever has another source to ask then
   */
  fetch: (file: string, maxBytes: number, judge?: (bytes: Uint8Array) => void) => Promise<Uint8Array | null>;
  /** Expiry is judged at this time. @source marketplace §2.3 */
  at: Date;
  /** Told of every role that was fetched, as soon as it is verified. */
  onVerified: (role: string, bytes: Uint8Array) => void;
}

/**
 * One walk of the TUF client workflow. What may be trusted decides tuf-js; the order of steps and where bytes come from is here, because its own
 * driver writes files without order and keeps only the words of an error.
 * @source TUF 1.0 §5, marketplace §2
 */
export class Workflow {
  readonly #o: WorkflowOptions;
  readonly #store: TrustedMetadataStore;
  /** False while only what is kept is judged. */
  #asks = true;

  /** @throws bad_request damaged when the root cannot be read · invalid_signature wrong_key when it does not sign itself */
  constructor(options: WorkflowOptions) {
    this.#o = options;
    try {
      this.#store = new TrustedMetadataStore(Buffer.from(options.root));
    } catch (error) {
      throw tufFailure(error);
    }
    this.#store["referenceTime"] = options.at;
  }

  /** @throws expired catalogue_expired · invalid_signature rolled_back | wrong_key · bad_request damaged · as `fetch` */
  refresh(): Promise<void> {
    return judged(async () => {
      await this.#loadRoots();
      await this.#loadTimestamp();
      await this.#loadSnapshot();
      await this.#loadTargets("targets", "root");
    });
  }

  /** As the first step of `refresh`, and no more. @throws as `refresh` */
  refreshRoots(): Promise<void> {
    return judged(() => this.#loadRoots());
  }

  /**
   * The state that was kept, without asking for anything newer.
   * @param read  what else is to be read without asking
   */
  async reopen<T>(read: () => Promise<T>): Promise<T> {
    this.#asks = false;
    try {
      await this.refresh();
      return await read();
    } finally {
      this.#asks = true;
    }
  }

  /** The target as the most trusted role that may name it says; undefined when nobody does. Delegations are fetched on the way. */
  target(path: string): Promise<TargetFile | undefined> {
    return judged(() => this.#walk(path));
  }

  /** A delegated role that a walk has visited. */
  role(name: string): Targets | undefined {
    return this.#store.getRole(name)?.signed;
  }

  get root(): Metadata<Root> {
    return this.#store.root;
  }

  /** Version of every role that the present state names, the top-level ones included. */
  versions(): Map<string, number> {
    const { root, timestamp, snapshot } = this.#loaded();
    return new Map([
      ["root", root.signed.version],
      ["timestamp", timestamp.signed.version],
      ["snapshot", snapshot.signed.version],
      ...Object.entries(snapshot.signed.meta).map(([file, { version }]): [string, number] => [
        file.replace(/\.json$/, ""),
        version,
      ]),
    ]);
  }

  /** When the first of these roles ends, and of those that everything hangs on; Unix milliseconds. */
  endsAt(roles: readonly string[]): number {
    const { root, timestamp, snapshot } = this.#loaded();
    const named = ["targets", ...roles].flatMap((role) => this.#store.getRole(role) ?? []);
    return Math.min(...[root, timestamp, snapshot, ...named].map(({ signed }) => Date.parse(signed.expires)));
  }

  /** When the timestamp was signed, Unix milliseconds; 0 when it does not say. */
  issuedAt(): number {
    const issued = this.#store.timestamp?.signed.unrecognizedFields[ISSUED_FIELD];
    return typeof issued === "string" && Number.isFinite(Date.parse(issued)) ? Date.parse(issued) : 0;
  }

  #loaded(): { root: Metadata<Root>; timestamp: Metadata<Timestamp>; snapshot: Metadata<Snapshot> } {
    const { root, timestamp, snapshot } = this.#store;
    if (timestamp === undefined || snapshot === undefined) throw new Error("not refreshed yet");
    return { root, timestamp, snapshot };
  }

  async #loadRoots(): Promise<void> {
    for (let n = 0; this.#asks && n < MAX_ROOT_ROTATIONS; n++) {
      const bytes = await this.#fetch(`${this.root.signed.version + 1}.root.json`, MAX_BYTES.root);
      if (bytes === null) return;
      this.#store.updateRoot(bytes);
      this.#o.onVerified("root", bytes);
    }
  }

  async #loadTimestamp(): Promise<void> {
    const kept = this.#kept("timestamp");
    let failure: HnError | undefined;
    try {
      if (kept !== undefined) this.#store.updateTimestamp(kept);
    } catch (error) {
      // Expired or signed by former keys; what of it still counts as a floor, tuf-js has remembered.
      failure = tufFailure(error);
    }
    if (!this.#asks) {
      if (kept === undefined || failure !== undefined) throw failure ?? nothing("timestamp");
      return;
    }
    const bytes = await this.#fetch("timestamp.json", MAX_BYTES.timestamp);
    if (bytes === null)
      throw new HnError("partition", { reason: "unreachable", message: "There is no registry where one is looked for." });
    try {
      this.#store.updateTimestamp(bytes);
    } catch (error) {
      if (!(error instanceof EqualVersionError)) throw error;
      if (failure !== undefined) throw failure;
      return;
    }
    this.#o.onVerified("timestamp", bytes);
  }

  async #loadSnapshot(): Promise<void> {
    const kept = this.#kept("snapshot");
    try {
      if (kept === undefined) throw nothing("snapshot");
      this.#store.updateSnapshot(kept, true);
    } catch (error) {
      const meta = this.#store.timestamp?.signed.snapshotMeta;
      if (meta === undefined || !this.#asks) throw error;
      const bytes = await this.#fetch(`${meta.version}.snapshot.json`, meta.length ?? MAX_BYTES.snapshot);
      if (bytes === null) throw nothing("snapshot");
      this.#store.updateSnapshot(bytes);
      this.#o.onVerified("snapshot", bytes);
    }
  }

  async #loadTargets(role: string, parent: string): Promise<Targets> {
    const known = this.#store.getRole(role);
    if (known !== undefined) {
      this.#store.getRole(parent)?.verifyDelegate(role, known);
      return known.signed;
    }
    const kept = this.#kept(role);
    try {
      if (kept === undefined) throw nothing(role);
      this.#store.updateDelegatedTargets(kept, role, parent);
    } catch (error) {
      const meta = this.#store.snapshot?.signed.meta[`${role}.json`];
      if (meta === undefined || !this.#asks) throw error;
      const file = `${meta.version}.${encodeURIComponent(role)}.json`;
      let isJudged = false;
      const judge = (given: Uint8Array): void => {
        this.#store.updateDelegatedTargets(Buffer.from(given), role, parent);
        isJudged = true;
      };
      const bytes = await this.#fetch(file, meta.length ?? MAX_BYTES.targets, judge);
      if (bytes === null) throw nothing(role);
      if (!isJudged) judge(bytes);
      this.#o.onVerified(role, bytes);
    }
    const loaded = this.#store.getRole(role);
    if (loaded === undefined) throw nothing(role);
    return loaded.signed;
  }

  /** Depth first, in the order in which delegations are written; a terminating one ends the search. @source TUF 1.0 §5.6.7 */
  async #walk(path: string): Promise<TargetFile | undefined> {
    const visited = new Set<string>();
    const todo = [{ role: "targets", parent: "root" }];
    while (visited.size <= MAX_DELEGATIONS) {
      const next = todo.pop();
      if (next === undefined) return undefined;
      if (visited.has(next.role)) continue;
      visited.add(next.role);
      const targets = await this.#loadTargets(next.role, next.parent);
      const found = Object.hasOwn(targets.targets, path) ? targets.targets[path] : undefined;
      if (found !== undefined) return found;
      const children = [];
      for (const { role, terminating } of targets.delegations?.rolesForTarget(path) ?? []) {
        children.push({ role, parent: next.role });
        if (!terminating) continue;
        todo.length = 0;
        break;
      }
      todo.push(...children.reverse());
    }
    return undefined;
  }

  #kept(role: string): Buffer | undefined {
    const bytes = this.#o.kept.get(role);
    return bytes === undefined ? undefined : Buffer.from(bytes);
  }

  async #fetch(file: string, maxBytes: number, judge?: (bytes: Uint8Array) => void): Promise<Buffer | null> {
    const bytes = await this.#o.fetch(file, maxBytes, judge);
    return bytes === null ? null : Buffer.from(bytes);
  }
}

async function judged<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw tufFailure(error);
  }
}

function nothing(role: string): HnError {
  return new HnError("bad_request", {
    reason: "damaged",
    message: `The registry lacks the part of its catalogue called ${role}.`,
  });
}
