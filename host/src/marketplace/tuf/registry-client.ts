import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Log } from "../../contract/index.ts";
import {
  blobKey,
  namespaceOf,
  namespaceRole,
  packageTarget,
  PROFILE_FIELD,
  publisherKey,
  readIndexShard,
  readPackageTarget,
  readRevocations,
  readTargetCustom,
  REGISTRY_ROLES,
  REVOCATIONS_MAX_BYTES,
  REVOCATIONS_TARGET,
  sha256Hex,
  SHARD_MAX_BYTES,
  type IndexRow,
  type PublisherKey,
  type RevocationEntry,
  type TargetCustom,
} from "../../format/index.ts";
import { HnError, readFileBounded, syncFolder } from "../../foundation/index.ts";
import type { RegistrySource } from "../options.ts";
import { readAll, type Source, SourceMiss } from "../source/source.ts";
import type { MarketplaceState } from "../state.ts";
import { TrustedMetadata } from "./trusted.ts";

const ROOT_MAX_BYTES = 512_000;
const HOUR_MS = 3_600_000;
/** Asked again within this time, the last answer stands. */
const QUIET_MS = 10_000;

/** A version that the registry names, with what its publisher's role says about it. */
export interface Listed {
  id: string;
  version: string;
  sha256: string;
  sizeBytes: number;
  custom: TargetCustom;
}

export interface Freshness {
  /** Seconds since the registry signed what is shown. */
  ageSeconds: number;
  /** Past its expiry, and no source had anything newer. */
  expired: boolean;
}

export interface RegistryClientOptions {
  registry: RegistrySource;
  source: Source;
  /** Folder for verified metadata of this registry. */
  folder: string;
  state: MarketplaceState;
  clock: Clock;
  log: Log;
  /** Unix milliseconds; the clock cannot be earlier. */
  buildTime: number;
  allowDevRoot: boolean;
  newName: () => string;
}

/** What one registry says, verified. A failed refresh leaves the last verified state in place. @source marketplace §2.3, §5 */
export class RegistryClient {
  readonly #o: RegistryClientOptions;
  readonly #anchor: Uint8Array;
  readonly #anchorHash: string;
  /** The root names itself one for development. */
  readonly isDevelopment: boolean;
  #trusted: TrustedMetadata | null = null;
  #expired = false;
  #rows: IndexRow[] = [];
  #revocations: RevocationEntry[] = [];
  #running: Promise<void> | null = null;
  #quietUntil = 0;

  /** @throws bad_request when the root file cannot be used · unauthorized policy for a development root in a release */
  constructor(options: RegistryClientOptions) {
    this.#o = options;
    const { registry, allowDevRoot } = options;
    this.#anchor = readRoot(registry);
    this.#anchorHash = sha256Hex(this.#anchor);
    this.isDevelopment = isDevelopmentRoot(this.#anchor);
    if (this.isDevelopment && !allowDevRoot)
      throw new HnError("unauthorized", {
        reason: "policy",
        message: `The registry ${registry.id} is signed with development keys, which anybody may have.`,
        action: "Use a released registry, or start with `--allow-dev-root` on a machine for development.",
      });
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    this.#settleAnchor();
  }

  get rows(): readonly IndexRow[] {
    return this.#rows;
  }

  get revocations(): readonly RevocationEntry[] {
    return this.#revocations;
  }

  /** Null before anything was verified. */
  freshness(): Freshness | null {
    if (this.#trusted === null) return null;
    const age = this.#o.clock.now() - this.#trusted.issuedAt();
    return { ageSeconds: Math.max(0, Math.round(age / 1000)), expired: this.#expired };
  }

  /** Asks the source; several askers share one round. @throws as `TrustedMetadata.refresh` · expired clock */
  async refresh(): Promise<void> {
    if (this.#trusted !== null && !this.#expired && this.#o.clock.monotonic() < this.#quietUntil) return;
    this.#running ??= this.#refresh().finally(() => {
      this.#running = null;
    });
    await this.#running;
  }

  /** Shows what was verified in a former run, without asking anybody. */
  async openLast(): Promise<void> {
    const row = this.#o.state.registry(this.#o.registry.id);
    if (row === undefined || this.#trusted !== null) return;
    const trusted = new TrustedMetadata({ folder: join(this.#o.folder, row.folder), source: null, at: new Date(row.refreshed) });
    await trusted.refresh();
    await this.#adopt(trusted);
    // Judged as of then; whether it has expired since decides about new installations only.
    this.#expired = await this.#isStale(row.folder);
  }

  async versions(id: string): Promise<Listed[]> {
    const trusted = this.#trusted;
    if (trusted === null || !hasPublished(trusted, id)) return [];
    await trusted.target(packageTarget(id, "0.0.0"));
    const targets = trusted.role(namespaceRole(namespaceOf(id)))?.targets ?? {};
    return Object.values(targets).flatMap((target) => {
      const named = readPackageTarget(target.path);
      return named?.id === id ? listed(named, target) : [];
    });
  }

  /** As the role that owns the name says, walking every delegation. */
  async find(id: string, version: string): Promise<Listed | undefined> {
    const trusted = this.#trusted;
    if (trusted === null || !hasPublished(trusted, id)) return undefined;
    const target = await trusted.target(packageTarget(id, version));
    return target === undefined ? undefined : listed({ id, version }, target)[0];
  }

  /** Keys that may sign for a namespace today. */
  async keysOf(namespace: string): Promise<PublisherKey[]> {
    // A name that nobody owns: all who might are asked, and nobody's packages are read.
    await this.#trusted?.target("none/none/none");
    const delegations = this.#trusted?.role(REGISTRY_ROLES.claimed)?.delegations;
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
      if (error instanceof SourceMiss) throw missing(error);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#o.source.close();
  }

  async #refresh(): Promise<void> {
    const { registry, source, folder, state, clock, buildTime, newName } = this.#o;
    const now = clock.now();
    if (now < buildTime - HOUR_MS) throw new HnError("expired", { reason: "clock" });
    const former = state.registry(registry.id);
    const name = newName();
    const next = join(folder, name);
    // On a copy: a crash in the middle leaves the former state whole.
    if (former === undefined) mkdirSync(next, { mode: 0o700 });
    else cpSync(join(folder, former.folder), next, { recursive: true });
    try {
      if (former === undefined) writeFileSync(join(next, "root.json"), this.#anchor);
      // The registry that ships with the host is as fresh as the host itself, however old the installer is.
      const at = registry.embedded === true ? new Date(buildTime) : new Date(now);
      const trusted = new TrustedMetadata({ folder: next, source, at });
      await trusted.refresh();
      this.#checkFloors(trusted);
      await this.#adopt(trusted);
      syncFolder(next);
      state.setRegistry(registry.id, { anchor: this.#anchorHash, folder: name, refreshed: now }, trusted.versions());
      this.#expired = false;
      this.#quietUntil = clock.monotonic() + QUIET_MS;
      if (former !== undefined) rmSync(join(folder, former.folder), { recursive: true, force: true });
    } catch (error) {
      rmSync(next, { recursive: true, force: true });
      if (HnError.isHnError(error) && error.reason === "catalogue_expired") this.#expired = true;
      await this.openLast();
      throw error;
    }
  }

  /** Reads index and revocations of a verified state and makes it the one that is shown. */
  async #adopt(trusted: TrustedMetadata): Promise<void> {
    const revocations = await trusted.target(REVOCATIONS_TARGET);
    await trusted.target("_registry/index/none.json");
    const rows: IndexRow[] = [];
    for (const { path, length, hashes } of Object.values(trusted.role(REGISTRY_ROLES.index)?.targets ?? {})) {
      if (!path.startsWith("_registry/index/")) continue;
      rows.push(...readIndexShard(await this.#blob(hashes["sha256"] ?? "", Math.min(length, SHARD_MAX_BYTES))));
    }
    const list =
      revocations === undefined
        ? []
        : readRevocations(
            await this.#blob(revocations.hashes["sha256"] ?? "", Math.min(revocations.length, REVOCATIONS_MAX_BYTES)),
          ).entries;
    this.#trusted = trusted;
    this.#rows = rows;
    this.#revocations = list;
  }

  /** Small signed files are kept beside the metadata, so that they can be read without the source. */
  async #blob(sha256: string, maxBytes: number): Promise<Uint8Array> {
    const kept = join(this.#o.folder, `${sha256}.blob`);
    try {
      const bytes = readFileBounded(kept, maxBytes);
      if (sha256Hex(bytes) === sha256) return bytes;
    } catch {
      // Not here yet.
    }
    const bytes = await readAll(this.#o.source, blobKey(sha256), { maxBytes }).catch((error: unknown) => {
      throw error instanceof SourceMiss ? missing(error) : error;
    });
    if (sha256Hex(bytes) !== sha256) throw new HnError("bad_request", { reason: "damaged" });
    writeFileSync(kept, bytes, { mode: 0o600 });
    return bytes;
  }

  /** Metadata on disk may be lost or put back; what was seen once is remembered elsewhere. @source marketplace §5.3 */
  #checkFloors(trusted: TrustedMetadata): void {
    for (const [role, version] of trusted.versions()) {
      if (version >= this.#o.state.floor(this.#o.registry.id, role)) continue;
      throw new HnError("invalid_signature", {
        reason: "rolled_back",
        message: `The registry ${this.#o.registry.id} shows an older state than one already seen.`,
        action: "Do not use this source; tell the registry's owner.",
      });
    }
  }

  async #isStale(name: string): Promise<boolean> {
    if (this.#o.registry.embedded === true) return false;
    try {
      await new TrustedMetadata({
        folder: join(this.#o.folder, name),
        source: null,
        at: new Date(this.#o.clock.now()),
      }).refresh();
      return false;
    } catch {
      return true;
    }
  }

  /** A root file that was exchanged starts a new history. */
  #settleAnchor(): void {
    const { state, registry, folder, log } = this.#o;
    const row = state.registry(registry.id);
    if (row !== undefined && row.anchor !== this.#anchorHash) {
      log.warn("the registry has another root now", { registry: registry.id, development: this.isDevelopment });
      if (this.isDevelopment) state.forgetRegistry(registry.id);
      else state.dropMetadata(registry.id);
    }
    const kept = state.registry(registry.id)?.folder;
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory() && entry.name !== kept) rmSync(join(folder, entry.name), { recursive: true, force: true });
  }
}

/** A namespace that was claimed and from which nothing was published yet has no metadata of its own. */
function hasPublished(trusted: TrustedMetadata, id: string): boolean {
  return trusted.versions().has(namespaceRole(namespaceOf(id)));
}

function listed(
  named: { id: string; version: string },
  target: { hashes: Record<string, string>; length: number; custom: Record<string, unknown> },
): Listed[] {
  const custom = readTargetCustom(target.custom);
  const sha256 = target.hashes["sha256"];
  return custom === null || sha256 === undefined ? [] : [{ ...named, sha256, sizeBytes: target.length, custom }];
}

function readRoot(registry: RegistrySource): Uint8Array {
  try {
    return readFileBounded(registry.root, ROOT_MAX_BYTES);
  } catch (cause) {
    throw new HnError("bad_request", {
      message: `The trusted root of the registry ${registry.id} cannot be read.`,
      action: registry.embedded === true ? "Run `npm run build`." : "Check the path of its root file in the configuration.",
      cause,
    });
  }
}

function isDevelopmentRoot(bytes: Uint8Array): boolean {
  try {
    const { signed } = JSON.parse(Buffer.from(bytes).toString("utf8")) as { signed?: Record<string, unknown> };
    return signed?.[PROFILE_FIELD] === "development";
  } catch (cause) {
    throw new HnError("bad_request", { reason: "damaged", message: "The registry's root file is not readable.", cause });
  }
}

function missing(cause: unknown): HnError {
  return new HnError("bad_request", { reason: "damaged", message: "The registry lacks a file that its catalogue names.", cause });
}
