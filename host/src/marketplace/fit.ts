import type { PluginManifest } from "../contract/index.ts";
import { compareVersions, findRevocation, isInRange, type RevocationEntry } from "../format/index.ts";
import { HnError, PLATFORM } from "../foundation/index.ts";
import type { Listed } from "./tuf/listed.ts";

/** Whether a package may come in at all. @throws not_implemented incompatible · bad_request yanked · revoked package_revoked · invalid_signature rolled_back */
export function checkFit(
  manifest: PluginManifest,
  o: {
    hostVersion: string;
    sha256: string;
    keyId: string;
    revocations: readonly RevocationEntry[];
    /** Absent for a package that came as a file and that no registry knows. */
    listed?: Listed;
    installed?: { version: string; sha256: string };
    highestSeen?: string;
    /** Version of another plugin that is installed here. */
    versionOf: (id: string) => string | undefined;
  },
): void {
  const { id, version } = manifest;
  checkRevoked(o.revocations, {
    id,
    version,
    sha256: o.sha256,
    keyId: o.keyId,
    ...(o.listed === undefined ? {} : { released: o.listed.custom.released }),
  });
  if (o.listed?.custom.status === "yanked" && o.installed?.sha256 !== o.sha256)
    throw new HnError("bad_request", { reason: "yanked" });
  if (!isInRange(o.hostVersion, manifest.engines.hearthnet))
    throw incompatible(`It needs HearthNet ${manifest.engines.hearthnet}; this is ${o.hostVersion}.`);
  if (!manifest.platforms.includes("any") && !manifest.platforms.includes(PLATFORM))
    throw incompatible(`It runs on ${manifest.platforms.join(", ")}; this is ${PLATFORM}.`);
  for (const [needed, range] of Object.entries(manifest.dependencies ?? {})) {
    const present = o.versionOf(needed);
    if (present === undefined || !isInRange(present, range))
      throw incompatible(
        `It needs ${needed} ${range}; ${present === undefined ? "that is not installed" : `${present} is installed`}.`,
      );
  }
  const floor = [o.installed?.version, o.highestSeen, o.listed?.custom.minSafeVersion]
    .filter((v) => v !== undefined)
    .sort(compareVersions)
    .at(-1);
  if (floor !== undefined && compareVersions(version, floor) < 0)
    throw new HnError("invalid_signature", {
      reason: "rolled_back",
      message: `${id} ${version} is older than ${floor}, which this node has seen.`,
    });
}

/** @throws revoked package_revoked */
export function checkRevoked(
  revocations: readonly RevocationEntry[],
  subject: { id: string; version: string; sha256: string; keyId: string; released?: string },
): void {
  const entry = findRevocation(revocations, subject);
  if (entry === undefined) return;
  if (entry.severity === "yanked") throw new HnError("bad_request", { reason: "yanked", message: entry.reason });
  throw new HnError("revoked", {
    reason: "package_revoked",
    message: `${subject.id} ${subject.version} was withdrawn because it is dangerous: ${entry.reason}`,
  });
}

function incompatible(why: string): HnError {
  return new HnError("not_implemented", { reason: "incompatible", message: `The plugin does not fit this node. ${why}` });
}
