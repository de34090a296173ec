import type { JsonObject, NodeManifest } from "../contract/index.ts";
import { formatTime, HnError } from "../foundation/index.ts";
import { createRootKey, exportRootKey } from "../identity/index.ts";
import type { EventLog, EventLogOptions } from "./log/event-log.ts";
import { DEFAULT_POLICY } from "./views/policy.ts";

/**
 * Founds a community: a root key of its own, which leaves this function only inside the encrypted file, and the first three events.
 * @returns the founder's offline file; losing it means that policy can never be changed again
 * @source 01 §7 "Create", I-11
 */
export async function found(
  log: EventLog,
  o: {
    name: string;
    rootPassphrase: string;
    founderName: string;
    /** Self-description of the founder, by which others find it. */
    manifest: (communityId: string) => Promise<NodeManifest>;
  } & Pick<EventLogOptions, "signer" | "clock">,
): Promise<{ community_id: string; rootKeyFile: string }> {
  const name = o.name.trim();
  if (name === "" || [...name].length > 64)
    throw new HnError("bad_request", { message: "A community's name has 1 to 64 characters." });
  const root = createRootKey();
  const rootKeyFile = await exportRootKey(root, {
    passphrase: o.rootPassphrase,
    communityName: name,
    createdAt: formatTime(o.clock.now()),
  });
  const me = o.signer.nodeId;
  const manifest = await o.manifest(root.nodeId);
  log.store.transaction(() => {
    log.store.setMeta("community_id", root.nodeId);
    log.append({
      type: "community.created",
      data: { name, founder_node_id: me, policy: DEFAULT_POLICY as unknown as JsonObject },
      by: root,
    });
    const expires_at = formatTime(o.clock.now() + 86_400_000);
    const invited = log.append({
      type: "community.member.invited",
      data: { invitee_node_id: me, display_name: o.founderName, initial_level: "trusted", expires_at },
    });
    log.append({
      type: "community.member.joined",
      data: { invite_event_id: invited.event_id, node_manifest: { ...manifest } as never },
    });
  });
  root.destroy();
  return { community_id: root.nodeId, rootKeyFile };
}
