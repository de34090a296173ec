import {
  blobKey,
  ISSUED_FIELD,
  namespaceRole,
  packageTarget,
  readIndexShard,
  readRevocations,
  REGISTRY_ROLES,
  REVOCATIONS_MAX_BYTES,
  REVOCATIONS_TARGET,
  sha256Hex,
  SHARD_MAX_BYTES,
} from "../../format/index.ts";
import { HnError, parseStrictJson } from "../../foundation/index.ts";
import type { RegistrySource } from "../options.ts";
import { readAll, type Source, SourceMiss } from "../source/source.ts";
import type { MarketplaceState } from "../state.ts";
import type { Anchor } from "../tuf/anchor.ts";
import { rolledBack } from "../tuf/failure.ts";
import { readListed, type Listed } from "../tuf/listed.ts";
import { onlineKeys, versionIn } from "../tuf/registry-client.ts";
import { type Kept, Workflow } from "../tuf/workflow.ts";

const TIMESTAMP_MAX_BYTES = 16_384;

export interface CatalogueOptions {
  registry: RegistrySource;
  anchor: Anchor;
  state: MarketplaceState;
  /** The bundle's files of this registry. */
  source: Source;
  /** Unix milliseconds; never before a time that is known to have passed. */
  now: number;
  /** Whose lists are needed. */
  namespaces: readonly string[];
  signal?: AbortSignal;
}

/** A catalogue that came with a bundle, verified and not kept yet. */
export interface JudgedCatalogue {
  standing: "newer" | "same" | "older";
  /** When the registry signed it, Unix milliseconds. */
  issued: number;
  /** What it says of a version; undefined when it names none, and always for an older one. */
  find(id: string, version: string): Promise<Listed | undefined>;
  /** Keeps it and raises the floors, in one transaction. @throws invalid_signature rolled_back when a newer one came meanwhile */
  commit(): void;
}

/**
 * Judges a registry's signed lists in a bundle by the same steps as those of any source, as of the time when they were signed: whoever carries a
 * stick for a week has a catalogue that ended on the way. It is taken because it is newer than what is known, and stays marked as ended.
 * @throws bad_request damaged · invalid_signature wrong_key · expired catalogue_expired · the signal's reason
 * @source marketplace §2.3, §5.3, §8
 */
export async function judgeCatalogue(o: CatalogueOptions): Promise<JudgedCatalogue> {
  const { registry, state } = o;
  const issued = await issuedAt(o);
  const known = state.registry(registry.id)?.refreshed ?? 0;
  const at = Math.min(Math.max(issued, known), o.now);
  const kept = state.metadata(registry.id);
  const fresh = new Map<string, Uint8Array>();
  const roots: Uint8Array[] = [];
  const { workflow, root, usable } = start(kept, { ...o, at, fresh, roots });
  try {
    await workflow.refresh();
    checkFloors(workflow, o);
  } catch (error) {
    if (HnError.from(error).reason === "rolled_back")
      return { standing: "older", issued, find: () => Promise.resolve(undefined), commit: () => {} };
    throw error;
  }
  const before = state.floor(registry.id, "timestamp");
  await readParts(workflow, { ...o, kept: usable, fresh });
  for (const [role, bytes] of [["root", root] as const, ...usable])
    if (!role.startsWith("blob:") && !fresh.has(role) && workflow.versions().has(role)) fresh.set(role, bytes);
  return {
    standing: (workflow.versions().get("timestamp") ?? 0) > before ? "newer" : "same",
    issued,
    find: async (id, version) => {
      if (!workflow.versions().has(namespaceRole(id.split("/")[0] ?? ""))) return undefined;
      const target = await workflow.target(packageTarget(id, version));
      return target === undefined ? undefined : (readListed(target) ?? undefined);
    },
    commit: () => {
      checkFloors(workflow, o);
      state.setRegistry(registry.id, {
        anchor: o.anchor.sha256,
        refreshed: at,
        metadata: fresh,
        versions: workflow.versions(),
        online: onlineKeys(workflow),
      });
      // For neighbours that begin with a root of long ago.
      for (const bytes of roots) {
        const version = versionIn(bytes);
        if (version !== undefined) state.keepRoot(registry.id, { version, bytes });
      }
    },
  };
}

/** What the timestamp says of itself; its signature is judged with everything else. */
async function issuedAt(o: CatalogueOptions): Promise<number> {
  try {
    const bytes = await readAll(o.source, "tuf/timestamp.json", { maxBytes: TIMESTAMP_MAX_BYTES });
    const { signed } = parseStrictJson(bytes, { maxBytes: TIMESTAMP_MAX_BYTES }) as { signed?: Record<string, unknown> };
    const time = Date.parse(String(signed?.[ISSUED_FIELD]));
    if (Number.isFinite(time)) return time;
  } catch (cause) {
    throw damaged("Its signed list of what is newest cannot be read.", cause);
  }
  throw damaged("Its signed list of what is newest does not say when it was signed.");
}

interface StartOptions extends CatalogueOptions {
  at: number;
  fresh: Map<string, Uint8Array>;
  /** Takes each root on the way to the newest. */
  roots: Uint8Array[];
}

/** From what was kept; what cannot be read any more is as good as lost, and the floors lie elsewhere. */
function start(kept: Kept, o: StartOptions): { workflow: Workflow; root: Uint8Array; usable: Kept } {
  const options = {
    at: new Date(o.registry.embedded === true ? 0 : o.at),
    fetch: (file: string, maxBytes: number) => fetchFile(o, file, maxBytes),
    onVerified: (role: string, bytes: Uint8Array) => {
      if (role === "root") o.roots.push(bytes);
      o.fresh.set(role, bytes);
    },
  };
  const root = kept.get("root") ?? o.anchor.bytes;
  try {
    return { workflow: new Workflow({ root, kept, ...options }), root, usable: kept };
  } catch {
    const usable = new Map<string, Uint8Array>();
    return { workflow: new Workflow({ root: o.anchor.bytes, kept: usable, ...options }), root: o.anchor.bytes, usable };
  }
}

async function fetchFile({ source, signal }: CatalogueOptions, file: string, maxBytes: number): Promise<Uint8Array | null> {
  try {
    return await readAll(source, `tuf/${file}`, { maxBytes, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (error instanceof SourceMiss) return null;
    throw error;
  }
}

/** Index, revocations and the lists of publishers: whole, or the bundle is not. */
async function readParts(
  workflow: Workflow,
  o: CatalogueOptions & { kept: Kept; fresh: Map<string, Uint8Array> },
): Promise<void> {
  const versions = workflow.versions();
  for (const namespace of o.namespaces)
    if (versions.has(namespaceRole(namespace))) await workflow.target(packageTarget(`${namespace}/none`, "0.0.0"));
  const revoked = await workflow.target(REVOCATIONS_TARGET);
  await workflow.target("_registry/index/none.json");
  if (revoked !== undefined)
    readRevocations(
      await part(revoked.hashes["sha256"] ?? "", { ...o, maxBytes: Math.min(revoked.length, REVOCATIONS_MAX_BYTES) }),
    );
  for (const { path, length, hashes } of Object.values(workflow.role(REGISTRY_ROLES.index)?.targets ?? {}))
    if (path.startsWith("_registry/index/"))
      readIndexShard(await part(hashes["sha256"] ?? "", { ...o, maxBytes: Math.min(length, SHARD_MAX_BYTES) }));
}

async function part(
  sha256: string,
  o: CatalogueOptions & { kept: Kept; fresh: Map<string, Uint8Array>; maxBytes: number },
): Promise<Uint8Array> {
  const name = `blob:${sha256}`;
  const known = o.kept.get(name);
  let bytes = known !== undefined && sha256Hex(known) === sha256 ? known : undefined;
  try {
    bytes ??= await readAll(o.source, blobKey(sha256), { maxBytes: o.maxBytes });
  } catch (error) {
    if (error instanceof SourceMiss) throw damaged("It lacks a part of the catalogue that it carries.", error);
    throw error;
  }
  if (sha256Hex(bytes) !== sha256) throw damaged("A part of its catalogue is not what its signed list says.");
  o.fresh.set(name, bytes);
  return bytes;
}

/** @throws invalid_signature rolled_back */
function checkFloors(workflow: Workflow, { registry, state }: CatalogueOptions): void {
  const sameKeys = state.online(registry.id) === onlineKeys(workflow);
  for (const [role, version] of workflow.versions())
    if ((sameKeys || role === "root") && version < state.floor(registry.id, role)) throw rolledBack();
}

function damaged(what: string, cause?: unknown): HnError {
  return new HnError("bad_request", {
    reason: "damaged",
    message: `The bundle is not whole. ${what}`,
    action: "Copy it once more from where it was made.",
    ...(cause === undefined ? {} : { cause }),
  });
}
