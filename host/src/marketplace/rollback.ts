import type { KeptRelease } from "../contract/index.ts";
import { compareVersions } from "../format/index.ts";
import { HnError } from "../foundation/index.ts";
import { checkRevoked } from "./fit.ts";
import type { RegistryClient } from "./tuf/registry-client.ts";

/**
 * Whether the operator may go back to a kept release. The floor that keeps older versions out does not bind this act, what the publisher calls
 * unsafe and what was revoked does.
 * @throws revoked package_revoked · invalid_signature rolled_back
 * @source plugin-platform §6.4.6, marketplace §6.6
 */
export async function checkRollback({ release }: KeptRelease, client: RegistryClient | undefined): Promise<void> {
  if (client === undefined) return;
  const { id, version, sha256, publisherKeyId: keyId } = release;
  try {
    checkRevoked(client.revocations, { id, version, sha256, keyId });
  } catch (error) {
    // Withdrawn is not dangerous.
    if (HnError.from(error).code === "revoked") throw error;
  }
  const floor = (await client.versions(id))
    .flatMap(({ custom }) => custom.minSafeVersion ?? [])
    .toSorted(compareVersions)
    .at(-1);
  if (floor !== undefined && compareVersions(version, floor) < 0)
    throw new HnError("invalid_signature", {
      reason: "rolled_back",
      message: `${id} ${version} is not safe to run: its publisher names ${floor} as the oldest version that is.`,
      action: `Go back to ${floor} or later, or stay with the version that runs.`,
    });
}
