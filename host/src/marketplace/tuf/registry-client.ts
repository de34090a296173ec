import type { Clock, Log } from "../../contract/index.ts";
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
import { FetchOrder, lacking, Verdict } from "../source/fetch-order.ts";
import { readAll, type Source, SourceMiss } from "../source/source.ts";
import type { MarketplaceState } from "../state.ts";
import type { Anchor } from "./anchor.ts";
import { rolledBack, tufFailure } from "./failure.ts";
import { readListed, type Listed } from "./listed.ts";
import { Late, survey } from "./survey.ts";
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
  /** Lies on this machine: it is asked before neighbours, who need not know then what is wanted. */
  isNear: boolean;
  /** Neighbours in reach that may have the registry's files, the one to ask first in front. */
  neighbours: () => Source[];
  state: MarketplaceState;
  clock: Clock;
  log: Log;
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

/** What a round of the catalogue starts from. */
interface Start {
  kept: Kept;
  /** The newest root that is known. */
  root: Uint8Array;
}

interface ReadOptions {
  source: Source;
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
    // A root file that was exchanged starts a new history.
    if (row !== undefined && row.anchor !== anchor.sha256) {
      if (anchor.isDevelopment) state.forgetRegistry(registry.id);
      else state.dropMetadata(registry.id);
    }
    this.#keepRoot(anchor.bytes);
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
      fetch: (file, maxBytes, judge) => this.#fetchLater(file, maxBytes, judge),
      onVerified: (role, bytes) => state.keep(registry.id, role, bytes),
    });
    const { refreshed } = row;
    const how = { source: this.#o.source, refreshed, kept, fresh: new Map(), asks: false };
    this.#view = await workflow.reopen(() => this.#read(workflow, how));
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

  /** Where files are fetched from, for one operation. */
  sources(): FetchOrder {
    return new FetchOrder(this.#inOrder());
  }

  async close(): Promise<void> {
    this.#closed.abort(new HnError("partition", { reason: "unreachable", message: "The node is stopping." }));
    await this.#o.source.close();
  }

  async #refresh(): Promise<void> {
    const { source: own, registry, anchor, state } = this.#o;
    const kept = state.metadata(registry.id);
    const start = { kept, root: kept.get("root") ?? anchor.bytes };
    const sources = this.#inOrder();
    if (sources.length === 1) return this.#round(own, start);
    const { root, order, failures } = await this.#survey(sources, start);
    const failure = failures.get(own);
    // Whoever is only slow still counts, after the others.
    if (failure instanceof Late) order.push(own);
    let refusal: unknown = failure;
    for (const source of order)
      try {
        await this.#round(source, { kept, root });
        if (refusal !== undefined && source !== own)
          this.#o.log.warn("the registry itself could not be read", { registry: registry.id, error: refusal });
        return;
      } catch (error) {
        if (this.#closed.signal.aborted) throw error;
        if (source === own) refusal = error;
        else
          this.#o.log.info("a neighbour's copy of the catalogue is of no use", {
            registry: registry.id,
            reason: HnError.from(error).reason,
          });
      }
    if (this.#view !== null || HnError.from(refusal).code !== "partition") throw refusal;
    throw new HnError("partition", { reason: "nobody_has_it", cause: refusal });
  }

  async #survey(sources: readonly Source[], { kept, root }: Start): ReturnType<typeof survey> {
    const { state, registry, clock } = this.#o;
    const { root: from } = this.#start(kept, { root, fetch: () => Promise.resolve(null), onVerified: () => undefined });
    const found = await survey(sources, { root: from, at: this.#at(), clock, signal: this.#closed.signal });
    for (const bytes of found.roots) this.#keepRoot(bytes);
    // A newer root counts even when what it should vouch for cannot be had: keys that it drops are not trusted any more.
    if (found.roots.length > 0 && state.registry(registry.id) !== undefined) state.keep(registry.id, "root", found.root);
    return found;
  }

  /** One walk through what one source shows. */
  async #round(source: Source, { kept, root: known }: Start): Promise<void> {
    const { registry, anchor, state, clock } = this.#o;
    const fresh = new Map<string, Uint8Array>();
    const deadline = new AbortController();
    const timer = clock.setTimeout(() => deadline.abort(tooSlow()), ROUND_MS);
    const signal = AbortSignal.any([deadline.signal, this.#closed.signal]);
    let over = false;
    try {
      const { workflow, root, usable } = this.#start(kept, {
        root: known,
        fetch: (file, maxBytes, judge) =>
          over ? this.#fetchLater(file, maxBytes, judge) : fetchFrom(source, file, { maxBytes, signal, ...(judge && { judge }) }),
        onVerified: (role, bytes) => {
          if (role === "root") this.#keepRoot(bytes);
          if (over) state.keep(registry.id, role, bytes);
          else fresh.set(role, bytes);
        },
      });
      await workflow.refresh();
      this.#checkFloors(workflow);
      await this.#readPublishers(workflow, { source, kept: usable });
      const how = { source, refreshed: this.#time(), kept: usable, fresh, asks: true, signal };
      const view = await this.#read(workflow, how);
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
      // What a signed list names by its hash is what it is: the next round need not fetch it again, from a neighbour who gives ten files a second.
      for (const [name, bytes] of fresh) if (name.startsWith("blob:")) state.keep(registry.id, name, bytes);
      throw error;
    } finally {
      over = true;
      timer.cancel();
    }
  }

  /** Lists of publishers that were asked for before are read along, so that they are known when the source is gone. */
  async #readPublishers(workflow: Workflow, { source, kept }: { source: Source; kept: Kept }): Promise<void> {
    for (const role of kept.keys())
      if (role.startsWith("ns-") && workflow.versions().has(role))
        try {
          await workflow.target(`${role.slice(3)}/none/none`);
        } catch (error) {
          // A neighbour keeps the lists that it needs itself. One that is missing is asked for when it is needed; news need not wait for it.
          if (source.neighbour === undefined || HnError.from(error).reason !== "damaged") throw error;
        }
  }

  /** From what was kept; what cannot be read any more is as good as lost, and the floors lie elsewhere. */
  #start(
    kept: Kept,
    { root, ...o }: Pick<WorkflowOptions, "root" | "fetch" | "onVerified">,
  ): { workflow: Workflow; root: Uint8Array; usable: Kept } {
    const at = this.#at();
    const anchor = this.#o.anchor.bytes;
    try {
      return { workflow: new Workflow({ root, kept, at, ...o }), root, usable: kept };
    } catch {
      const usable = new Map<string, Uint8Array>();
      return { workflow: new Workflow({ root: anchor, kept: usable, at, ...o }), root: anchor, usable };
    }
  }

  /** At what time expiry is judged. */
  #at(): Date {
    return this.#o.registry.embedded === true ? new Date(0) : new Date(this.#time());
  }

  #inOrder(): Source[] {
    const { source, isNear, neighbours } = this.#o;
    return isNear ? [source, ...neighbours()] : [...neighbours(), source];
  }

  /** For neighbours that begin with a root of long ago. */
  #keepRoot(bytes: Uint8Array): void {
    const version = versionIn(bytes);
    if (version !== undefined) this.#o.state.keepRoot(this.#o.registry.id, { version, bytes });
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
    if (known === undefined && !o.asks) throw lacking();
    const bytes =
      known !== undefined && sha256Hex(known) === sha256
        ? known
        : await readAll(o.source, blobKey(sha256), o).catch((error: unknown) => {
            throw error instanceof SourceMiss ? lacking(error) : error;
          });
    if (sha256Hex(bytes) !== sha256) throw new HnError("bad_request", { reason: "damaged" });
    o.fresh.set(name, bytes);
    return bytes;
  }

  /** A role that is asked for after the round is over: from whoever has it. */
  async #fetchLater(file: string, maxBytes: number, judge?: (bytes: Uint8Array) => void): Promise<Uint8Array | null> {
    const deadline = new AbortController();
    const timer = this.#o.clock.setTimeout(() => deadline.abort(tooSlow()), ROUND_MS);
    const signal = AbortSignal.any([deadline.signal, this.#closed.signal]);
    const verdict = new Verdict();
    let isLacking = false;
    try {
      for (const source of this.#inOrder())
        try {
          const bytes = await fetchFrom(source, file, { maxBytes, signal, ...(judge && { judge }) });
          if (bytes !== null) return bytes;
          verdict.missed(source, new SourceMiss(file));
          isLacking ||= source.neighbour === undefined;
        } catch (error) {
          signal.throwIfAborted();
          verdict.failed(source, tufFailure(error));
        }
    } finally {
      timer.cancel();
    }
    if (isLacking && !verdict.isDamaged) return null;
    throw verdict.speak();
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

async function fetchFrom(
  source: Source,
  file: string,
  o: { maxBytes: number; signal: AbortSignal; judge?: (bytes: Uint8Array) => void },
): Promise<Uint8Array | null> {
  try {
    const bytes = await readAll(source, `tuf/${file}`, o);
    o.judge?.(bytes);
    return bytes;
  } catch (error) {
    if (error instanceof SourceMiss) return null;
    throw error;
  }
}

/** Of a root that was verified; undefined for what does not say. */
export function versionIn(root: Uint8Array): number | undefined {
  const { signed } = JSON.parse(Buffer.from(root).toString("utf8")) as { signed?: { version?: unknown } };
  return Number.isSafeInteger(signed?.version) ? (signed?.version as number) : undefined;
}

function tooSlow(): HnError {
  return new HnError("partition", {
    reason: "unreachable",
    message: "The registry cannot be reached. It answers too slowly.",
  });
}
