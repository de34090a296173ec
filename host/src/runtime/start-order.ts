import type { StoredRelease } from "../contract/index.ts";

/** Dependencies first; a circle, which the manifest check refuses, would not hang here. */
export function inStartOrder(releases: readonly StoredRelease[]): StoredRelease[] {
  const byId = new Map(releases.map((release) => [release.id, release]));
  const ordered = new Set<StoredRelease>();
  const visit = (release: StoredRelease, path: readonly string[]): void => {
    if (ordered.has(release) || path.includes(release.id)) return;
    for (const id of Object.keys(release.manifest.dependencies ?? {})) {
      const needed = byId.get(id);
      if (needed !== undefined) visit(needed, [...path, release.id]);
    }
    ordered.add(release);
  };
  for (const release of releases) visit(release, []);
  return [...ordered];
}
