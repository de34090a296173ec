import { readFileSync } from "node:fs";
import {
  compareVersions,
  namespaceOf,
  packageTarget,
  publisherKey,
  readPackageTarget,
  readTargetCustom,
  type PublisherKey,
} from "@hearthnet/host/format";
import type { Key } from "@tufjs/models";
import { checkCandidate, indexRow, type Candidate } from "../2-verify/package.ts";
import { RegistryError } from "../refusal.ts";
import type { Repository } from "./repository.ts";

export interface PublishOptions {
  repository: Repository;
  /** RFC 3339. */
  released: string;
  /** A version that is there already may be replaced by other bytes: in development only. */
  replace: boolean;
  /** Asset blobs, by path on this machine. */
  assets?: readonly string[];
}

/**
 * Takes a package into the catalogue; `commit` makes it visible.
 * @throws RegistryError unknown_namespace | version_exists | version_old · HnError of `verifyPackage`
 * @source marketplace §4.1
 */
export async function publish(bytes: Uint8Array, claimedId: string, o: PublishOptions): Promise<Candidate> {
  const { repository } = o;
  const namespace = namespaceOf(claimedId);
  const candidate = await checkCandidate(bytes, { keys: keysOf(repository, namespace), released: o.released });
  const { id, version } = candidate.manifest;
  const path = packageTarget(id, version);
  const known = repository.packages(namespace).find((target) => target.path === path);
  const former = known === undefined ? null : readTargetCustom(known.custom);
  if (known !== undefined && former !== null) {
    // The same content packed by another zlib is the same release.
    if (former.tarSha256 === candidate.custom.tarSha256) return candidate;
    if (!o.replace)
      throw new RegistryError(`${id} ${version} is published already, with other content.`, {
        reason: "version_exists",
        action: "Raise the version in the manifest; a published version never changes.",
      });
  }
  if (!o.replace) checkNewest(repository, candidate);
  repository.putPackage(namespace, { path, bytes, custom: candidate.custom });
  for (const file of o.assets ?? []) repository.putBlob(readFileSync(file));
  repository.putRow(indexRow({ manifest: candidate.manifest, custom: candidate.custom, sizeBytes: bytes.byteLength }));
  return candidate;
}

/** @throws RegistryError unknown_namespace */
export function keysOf(repository: Repository, namespace: string): PublisherKey[] {
  const found = repository.namespaces.find(({ name }) => name === namespace);
  if (found === undefined)
    throw new RegistryError(`Nobody has claimed the namespace ${namespace} here.`, {
      reason: "unknown_namespace",
      action: `Add it first: hearthnet registry add-namespace ${namespace} --key PUBLISHER.pub`,
    });
  return found.keys.map(fromTuf);
}

export function fromTuf(key: Key): PublisherKey {
  return publisherKey(new Uint8Array(Buffer.from(key.keyVal["public"] ?? "", "hex")));
}

function checkNewest(repository: Repository, { manifest }: Candidate): void {
  const newest = repository
    .packages(namespaceOf(manifest.id))
    .flatMap(({ path }) => readPackageTarget(path) ?? [])
    .filter(({ id }) => id === manifest.id)
    .map(({ version }) => version)
    .sort(compareVersions)
    .at(-1);
  if (newest !== undefined && compareVersions(manifest.version, newest) <= 0)
    throw new RegistryError(`${manifest.id} ${newest} is published; ${manifest.version} is not newer.`, {
      reason: "version_old",
      action: "Raise the version in the manifest.",
    });
}
