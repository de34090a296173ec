import { Refusal } from "@hearthnet/host/command-line";
import {
  compareVersions,
  namespaceOf,
  packageTarget,
  publisherKey,
  readPackage,
  readPackageTarget,
  readTargetCustom,
  type PublisherKey,
} from "@hearthnet/host/format";
import { TargetFile, type Key } from "@tufjs/models";
import { checkCandidate, indexRow, type Candidate } from "../2-verify/package.ts";
import type { Repository } from "./repository.ts";

/**
 * Takes a package into the catalogue; `commit` makes it visible.
 * @param o.released  RFC 3339
 * @param o.replace   a version that is there already may be replaced by other bytes: in development only
 * @throws Refusal unknown_namespace | version_exists | version_old · HnError of `verifyPackage`
 * @source marketplace §4.1
 */
export async function publish(
  bytes: Uint8Array,
  o: { repository: Repository; released: string; replace: boolean },
): Promise<Candidate> {
  const { repository } = o;
  const claimed = (await readPackage(bytes)).manifest.id;
  const namespace = namespaceOf(claimed);
  const candidate = await checkCandidate(bytes, { keys: keysOf(repository, namespace), released: o.released });
  const { id, version } = candidate.manifest;
  const path = packageTarget(id, version);
  const known = repository.packages(namespace).find((target) => target.path === path);
  const former = known === undefined ? null : readTargetCustom(known.custom);
  if (known !== undefined && former !== null) {
    // The same content packed by another zlib is the same release.
    if (former.tarSha256 === candidate.custom.tarSha256) return candidate;
    if (!o.replace)
      throw new Refusal(`${id} ${version} is published already, with other content.`, {
        reason: "version_exists",
        action: "Raise the version in the manifest; a published version never changes.",
      });
  }
  if (!o.replace) checkNewest(repository, candidate);
  repository.putPackage(namespace, { path, bytes, custom: candidate.custom });
  await updateRow(repository, id);
  return candidate;
}

/**
 * Marks a version as withdrawn: nobody installs it any more, whoever has it keeps it.
 * @throws Refusal not_found
 */
export async function yank(repository: Repository, id: string, version: string): Promise<void> {
  const namespace = namespaceOf(id);
  const targets = repository.packages(namespace);
  const found = targets.find(({ path }) => path === packageTarget(id, version));
  const custom = found === undefined ? null : readTargetCustom(found.custom);
  if (found === undefined || custom === null)
    throw new Refusal(`${id} ${version} is not in this catalogue.`, {
      reason: "not_found",
      action: "Check id and version.",
    });
  const { path, length, hashes } = found;
  const yanked = new TargetFile({
    path,
    length,
    hashes,
    unrecognizedFields: { custom: { ...custom, status: "yanked" } },
  });
  repository.setPackages(namespace, [...targets.filter((target) => target !== found), yanked]);
  await updateRow(repository, id);
}

/** The index shows the newest version that is not withdrawn; without one, nothing. */
async function updateRow(repository: Repository, id: string): Promise<void> {
  const newest = versionsOf(repository, id)
    .filter(({ custom }) => custom.status === "active")
    .at(-1);
  const bytes = newest === undefined ? null : repository.blob(newest.sha256);
  if (newest === undefined || bytes === null) return repository.removeRow(id);
  const { manifest } = await readPackage(bytes);
  repository.putRow(indexRow({ manifest, custom: newest.custom, sizeBytes: bytes.byteLength }));
}

/** Versions of one plugin, oldest first. */
function versionsOf(
  repository: Repository,
  id: string,
): { version: string; sha256: string; custom: NonNullable<ReturnType<typeof readTargetCustom>> }[] {
  return repository
    .packages(namespaceOf(id))
    .flatMap((target) => {
      const named = readPackageTarget(target.path);
      const custom = readTargetCustom(target.custom);
      return named?.id === id && custom !== null
        ? [{ version: named.version, sha256: target.hashes["sha256"] ?? "", custom }]
        : [];
    })
    .sort((a, b) => compareVersions(a.version, b.version));
}

/** @throws Refusal unknown_namespace */
function keysOf(repository: Repository, namespace: string): PublisherKey[] {
  const found = repository.namespaces.find(({ name }) => name === namespace);
  if (found === undefined)
    throw new Refusal(`Nobody has claimed the namespace ${namespace} here.`, {
      reason: "unknown_namespace",
      action: `Add it first: hearthnet registry add-namespace ${namespace} --key PUBLISHER.pub`,
    });
  return found.keys.map(fromTuf);
}

function fromTuf(key: Key): PublisherKey {
  return publisherKey(new Uint8Array(Buffer.from(key.keyVal["public"] ?? "", "hex")));
}

function checkNewest(repository: Repository, { manifest }: Candidate): void {
  const versions = versionsOf(repository, manifest.id);
  const newest = versions.at(-1);
  if (newest !== undefined && compareVersions(manifest.version, newest.version) <= 0)
    throw new Refusal(`${manifest.id} ${newest.version} is published; ${manifest.version} is not newer.`, {
      reason: "version_old",
      action: "Raise the version in the manifest.",
    });
}
