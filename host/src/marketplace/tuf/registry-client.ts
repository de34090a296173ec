import type { Clock } from "../../contract/index.ts";
import {
  blobKey,
  namespaceOf,
  namespaceRole,
  packageTarget,
  publisherKey,
  readIndexShard,
  readRevocations,
  REGISTRY_ROLES,
  REVOCATIONS_MAX_BYTES,
  REVOCATIONS_TARGET,
  sha256Hex,
  SHARD_MAX_BYTES,
  type IndexRow,
  type PublisherKey,
  type RevocationEntry,
} from "../../format/index.ts";
import { formatTime, HnError } from "../../foundation/index.ts";
import type { RegistrySource } from "../options.ts";
import { readAll, type Source, SourceMiss } from "../source/source.ts";
import type { MarketplaceState } from "../state.ts";
import type { Anchor } from "./anchor.ts";
import { rolledBack } from "./failure.ts";
import { readListed, type Listed } from "./listed.ts";
import { Workflow, type Kept, type WorkflowOptions } from "./workflow.ts";

const HOUR_MS = 3_600_000;
/** Asked again within this time, the last answer stands. */
const QUIET_MS = 10_000;
/** A round of the catalogue that takes longer is given up: bytes may trickle in without end. */
const ROUND_MS = 30_000;

export interface Freshness {
  /** Seconds since the registry signed what is shown. */
  ageSeconds: number;
  /** Past its expiry, and no source had anything newer. */
  expired: boolean;
}

export interface RegistryClientOptions {
  registry: RegistrySource;
  anchor: Anchor;
  source: Source;
  state: MarketplaceState;
  clock: Clock;
  /** Unix milliseconds; the clock cannot be earlier. */
  buildTime: number;
}

/** One verified state and what was read out of it. */
interface View {
  workflow: Workflow;
  rows: IndexRow[];
  revocations: RevocationEntry[];
  refreshed: number;
}

interface ReadOptions {
  kept: Kept;
  /** Takes what is to be kept next. */
  fresh: Map<string, Uint8Array>;
  /** Whether what is not kept may be fetched. */
  asks: boolean;
  signal?: AbortSignal;
}

/** What one registry says, verified. A failed refresh leaves the last verified state in place. @source marketplace §2.3, §5 */
export class RegistryClient {
  readonly #o: RegistryClientOptions;
  #view: View | null = null;
  #running: Promise<void> | null = null;
  #quietUntil = 0;
  readonly #closed = new AbortController();

  constructor(options: RegistryClientOptions) {
    this.#o = options;
    const { state, registry, anchor } = options;
    const row = state.registry(registry.id);
    if (row === undefined || row.anchor === anchor.sha256) return;
    // A root file that was exchanged starts a new history.
    if (anchor.isDevelopment) state.forgetRegistry(registry.id);
    else state.dropMetadata(registry.id);
  }

  get isDevelopment(): boolean {
    return this.#o.anchor.isDevelopment;
  }

  get rows(): readonly IndexRow[] {
    return this.#view?.rows ?? [];
  }

  get revocations(): readonly RevocationEntry[] {
    return this.#view?.revocations ?? [];
  }

  /** Null before anything was verified. @param id  a plugin whose publisher's list counts as well */
  freshness(id?: string): Freshness | null {
    if (this.#view === null) return null;
    const { workflow } = this.#view;
    const { registry, clock } = this.#o;
    const roles = ["index", "claimed", ...(id === undefined ? [] : [namespaceRole(namespaceOf(id))])];
    return {
      ageSeconds: Math.max(0, Math.round((clock.now() - workflow.issuedAt()) / 1000)),
      // The registry that ships with the host is as fresh as the host itself, however old the installer is.
      expired: registry.embedded !== true && this.#time() >= workflow.endsAt(roles),
    };
  }

  /** @throws expired clock, when this device's clock stands before a time that is known to have passed @source marketplace §2.3 */
  checkClock(): void {
    const now = this.#o.clock.now();
    const floor = this.#floorTime();
    if (now >= floor - HOUR_MS) return;
    throw new HnError("expired", {
      reason: "clock",
      message: `The clock of this device says ${formatTime(now)}, but it is at least ${formatTime(floor)}.`,
    });
  }

  /**
   * Asks the source; several askers share one round.
   * @param o.now  also when it was asked a moment ago: somebody waits for what has just been published
   * @throws as `Workflow.refresh` · expired clock · partition unreachable
   */
  async refresh(o: { now?: boolean } = {}): Promise<void> {
    this.checkClock();
    if (
      o.now !== true &&
      this.#view !== null &&
      this.#o.clock.monotonic() < this.#quietUntil &&
      this.freshness()?.expired !== true
    )
      return;
    this.#running ??= this.#refresh().finally(() => {
      this.#running = null;
    });
    await this.#running;
  }

  /** Shows what was verified in a former run, without asking anybody. What cannot be read any more is fetched anew with the next refresh. */
  async openLast(): Promise<void> {
    const { state, registry } = this.#o;
    const row = state.registry(registry.id);
    if (row === undefined) return;
    const kept = state.metadata(registry.id);
    const workflow = new Workflow({
      root: kept.get("root") ?? this.#o.anchor.bytes,
      kept,
      // Judged as of then; whether it has ended since decides about new installations only.
      at: registry.embedded === true ? new Date(0) : new Date(row.refreshed),
      fetch: (file, maxBytes) => this.#fetchLater(file, maxBytes),
      onVerified: (role, bytes) => state.keep(registry.id, role, bytes),
    });
    const { refreshed } = row;
    this.#view = await workflow.reopen(() => this.#read(workflow, { refreshed, kept, fresh: new Map(), asks: false }));
  }

  async versions(id: string): Promise<Listed[]> {
    const workflow = this.#view?.workflow;
    if (workflow === undefined || !hasPublished(workflow, id)) return [];
    await workflow.target(packageTarget(id, "0.0.0"));
    const targets = workflow.role(namespaceRole(namespaceOf(id)))?.targets ?? {};
    return Object.values(targets).flatMap((target) => {
      const listed = readListed(target);
      return listed?.id === id ? listed : [];
    });
  }

  /** As the role that owns the name says, walking every delegation. */
  async find(id: string, version: string): Promise<Listed | undefined> {
    const workflow = this.#view?.workflow;
    if (workflow === undefined || !hasPublished(workflow, id)) return undefined;
    const target = await workflow.target(packageTarget(id, version));
    return target === undefined ? undefined : (readListed(target) ?? undefined);
  }

  /** Keys that may sign for a namespace today. */
  async keysOf(namespace: string): Promise<PublisherKey[]> {
    // A name that nobody owns: all who might are asked, and nobody's packages are read.
    await this.#view?.workflow.target("none/none/none");
    const delegations = this.#view?.workflow.role(REGISTRY_ROLES.claimed)?.delegations;
    const role = delegations?.roles?.[namespaceRole(namespace)];
    return (role?.keyIDs ?? []).flatMap((keyId) => {
      const hex = delegations?.keys[keyId]?.keyVal["public"] ?? "";
      return /^[0-9a-f]{64}$/.test(hex) ? [publisherKey(new Uint8Array(Buffer.from(hex, "hex")))] : [];
    });
  }

  /** Bytes by their hash, not yet compared with it. @throws bad_request damaged when the registry lacks it */
  async openBlob(sha256: string, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    try {
      return await this.#o.source.open(blobKey(sha256), signal);
    } catch (error) {
      throw error instanceof SourceMiss ? missing(error) : error;
    }
  }

  async close(): Promise<void> {
    this.#closed.abort(new HnError("partition", { reason: "unreachable", message: "The node is stopping." }));
    await this.#o.source.close();
  }

  async #refresh(): Promise<void> {
    const { registry, anchor, state, clock } = this.#o;
    const kept = state.metadata(registry.id);
    const fresh = new Map<string, Uint8Array>();
    const deadline = new AbortController();
    const timer = clock.setTimeout(() => deadline.abort(tooSlow()), ROUND_MS);
    const signal = AbortSignal.any([deadline.signal, this.#closed.signal]);
    let over = false;
    try {
      const { workflow, root, usable } = this.#start(kept, {
        fetch: (file, maxBytes) => (over ? this.#fetchLater(file, maxBytes) : this.#fetch(file, { maxBytes, signal })),
        onVerified: (role, bytes) => (over ? state.keep(registry.id, role, bytes) : void fresh.set(role, bytes)),
      });
      await workflow.refresh();
      this.#checkFloors(workflow);
      // Lists of publishers that were asked for before are read along, so that they are known when the source is gone.
      for (const role of usable.keys())
        if (role.startsWith("ns-") && workflow.versions().has(role)) await workflow.target(`${role.slice(3)}/none/none`);
      const view = await this.#read(workflow, { refreshed: this.#time(), kept: usable, fresh, asks: true, signal });
      for (const [role, bytes] of [["root", root] as const, ...usable])
        if (!role.startsWith("blob:") && !fresh.has(role) && workflow.versions().has(role)) fresh.set(role, bytes);
      // A bundle may have brought a newer state meanwhile.
      this.#checkFloors(workflow);
      state.setRegistry(registry.id, {
        anchor: anchor.sha256,
        refreshed: view.refreshed,
        metadata: fresh,
        versions: workflow.versions(),
        online: onlineKeys(workflow),
      });
      this.#view = view;
      this.#quietUntil = clock.monotonic() + QUIET_MS;
    } catch (error) {
      // A newer root counts even when what it should vouch for cannot be had: keys that it drops are not trusted any more.
      const root = fresh.get("root");
      if (root !== undefined && state.registry(registry.id) !== undefined) state.keep(registry.id, "root", root);
      throw error;
    } finally {
      over = true;
      timer.cancel();
    }
  }

  /** From what was kept; what cannot be read any more is as good as lost, and the floors lie elsewhere. */
  #start(kept: Kept, o: Pick<WorkflowOptions, "fetch" | "onVerified">): { workflow: Workflow; root: Uint8Array; usable: Kept } {
    const at = this.#o.registry.embedded === true ? new Date(0) : new Date(this.#time());
    const anchor = this.#o.anchor.bytes;
    const root = kept.get("root") ?? anchor;
    try {
      return { workflow: new Workflow({ root, kept, at, ...o }), root, usable: kept };
    } catch {
      const usable = new Map<string, Uint8Array>();
      return { workflow: new Workflow({ root: anchor, kept: usable, at, ...o }), root: anchor, usable };
    }
  }

  /** Reads index and revocations of a verified state. */
  async #read(workflow: Workflow, o: ReadOptions & { refreshed: number }): Promise<View> {
    const revoked = await workflow.target(REVOCATIONS_TARGET);
    await workflow.target("_registry/index/none.json");
    const rows: IndexRow[] = [];
    for (const { path, length, hashes } of Object.values(workflow.role(REGISTRY_ROLES.index)?.targets ?? {}))
      if (path.startsWith("_registry/index/"))
        rows.push(
          ...readIndexShard(await this.#blob(hashes["sha256"] ?? "", { ...o, maxBytes: Math.min(length, SHARD_MAX_BYTES) })),
        );
    const list =
      revoked === undefined
        ? []
        : readRevocations(
            await this.#blob(revoked.hashes["sha256"] ?? "", {
              ...o,
              maxBytes: Math.min(revoked.length, REVOCATIONS_MAX_BYTES),
            }),
          ).entries;
    return { workflow, rows, revocations: list, refreshed: o.refreshed };
  }

  /** Small signed files are kept beside the metadata, so that they can be read without the source. */
  async #blob(sha256: string, o: ReadOptions & { maxBytes: number }): Promise<Uint8Array> {
    const name = `blob:${sha256}`;
    const known = o.kept.get(name);
    if (known === undefined && !o.asks) throw missing();
    const bytes =
      known !== undefined && sha256Hex(known) === sha256
        ? known
        : await readAll(this.#o.source, blobKey(sha256), o).catch((error: unknown) => {
            throw error instanceof SourceMiss ? missing(error) : error;
          });
    if (sha256Hex(bytes) !== sha256) throw new HnError("bad_request", { reason: "damaged" });
    o.fresh.set(name, bytes);
    return bytes;
  }

  async #fetch(file: string, o: { maxBytes: number; signal: AbortSignal }): Promise<Uint8Array | null> {
    try {
      return await readAll(this.#o.source, `tuf/${file}`, o);
    } catch (error) {
      if (error instanceof SourceMiss) return null;
      throw error;
    }
  }

  /** A role that is asked for after the round is over. */
  #fetchLater(file: string, maxBytes: number): Promise<Uint8Array | null> {
    const deadline = new AbortController();
    const timer = this.#o.clock.setTimeout(() => deadline.abort(tooSlow()), ROUND_MS);
    const signal = AbortSignal.any([deadline.signal, this.#closed.signal]);
    return this.#fetch(file, { maxBytes, signal }).finally(() => timer.cancel());
  }

  /** Metadata on disk may be lost or put back; what was seen once is remembered elsewhere. @source marketplace §5.3 */
  #checkFloors(workflow: Workflow): void {
    const { state, registry } = this.#o;
    const sameKeys = state.online(registry.id) === onlineKeys(workflow);
    for (const [role, version] of workflow.versions())
      if ((sameKeys || role === "root") && version < state.floor(registry.id, role)) throw rolledBack();
  }

  #floorTime(): number {
    return Math.max(this.#o.buildTime, this.#o.state.registry(this.#o.registry.id)?.refreshed ?? 0);
  }

  /** Never before a time that is known to have passed: a clock set back makes nothing fresh. */
  #time(): number {
    return Math.floor(Math.max(this.#o.clock.now(), this.#floorTime()));
  }
}

/** A namespace that was claimed and from which nothing was published yet has no metadata of its own. */
function hasPublished(workflow: Workflow, id: string): boolean {
  return workflow.versions().has(namespaceRole(namespaceOf(id)));
}

/** Who signs snapshot and timestamp today. */
export function onlineKeys({ root }: Workflow): string {
  const { roles } = root.signed;
  return ["timestamp", "snapshot"].map((role) => (roles[role]?.keyIDs ?? []).toSorted().join(",")).join(" ");
}

function missing(cause?: unknown): HnError {
  const message = "The registry lacks a file that its catalogue names.";
  return new HnError("bad_request", { reason: "damaged", message, ...(cause === undefined ? {} : { cause }) });
}

function tooSlow(): HnError {
  return new HnError("partition", {
    reason: "unreachable",
    message: "The registry cannot be reached. It answers too slowly.",
  });
}
