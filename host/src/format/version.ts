/** Versions of plugins and of the host: semver, a pre-release stands before its release. */
import semver from "semver";

/** @returns negative, 0 or positive, as `sort` wants it */
export function compareVersions(a: string, b: string): number {
  return semver.compare(a, b);
}

/** Whether a version lies in a range such as `>=1.0 <2`; a range that nobody can read holds nothing. */
export function isInRange(version: string, range: string): boolean {
  return semver.satisfies(version, range, { includePrerelease: true });
}
