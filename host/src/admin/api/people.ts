import type { Community, CommunityFacts, InviteBody, MemberLevel, PeerExplanation, PeerRow } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { AdminContext, ApiRequest, ApiRoute } from "../context.ts";
import type { AdminServices } from "../services.ts";
import { EMPTY, shape, TEXT } from "./shapes.ts";

const LEVEL = { enum: ["member", "trusted", "anchor"] };

export const peopleRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/community",
    role: "viewer",
    handle: (_request: ApiRequest, { services }): CommunityFacts => ({
      community_id: services.community.communityId(),
      name: services.community.name(),
      head_lamport: services.community.head(),
      level: services.community.levelOf(services.facts().node_id),
      fresh_device_id: services.freshDeviceId(),
    }),
  },
  {
    method: "POST",
    path: "/community/create",
    role: "owner",
    stepUp: true,
    body: shape({ name: TEXT(64), root_passphrase: { type: "string", maxLength: 1024 } }),
    audit: "community.create",
    handle: async (request: ApiRequest<{ name: string; root_passphrase: string }>, { services }) => {
      const made = await services.community.create({ name: request.body.name, rootPassphrase: request.body.root_passphrase });
      return { community_id: made.community_id, root_key_file: made.rootKeyFile };
    },
  },
  {
    method: "POST",
    path: "/community/join",
    role: "owner",
    stepUp: true,
    body: shape({ invite: TEXT(4096) }),
    audit: "community.join",
    handle: (request: ApiRequest<{ invite: string }>, { services }) => joinByInvite(request.body.invite, services),
  },
  {
    method: "POST",
    path: "/community/leave",
    role: "owner",
    stepUp: true,
    body: EMPTY,
    audit: "community.leave",
    handle: async (_request: ApiRequest, { services }) => {
      await services.community.leave();
      return {};
    },
  },
  {
    method: "GET",
    path: "/members",
    role: "viewer",
    handle: (_request: ApiRequest, { services }) => ({
      items: services.community.members(),
      revoked: services.community.revokedNodes(),
    }),
  },
  {
    method: "GET",
    path: "/invites",
    role: "viewer",
    handle: (_request: ApiRequest, { services }) => ({ items: services.community.openInvites() }),
  },
  {
    method: "POST",
    path: "/invites",
    role: "owner",
    stepUp: true,
    body: shape({ fresh_id: TEXT(2048), level: { enum: ["member", "trusted"] }, confirmed_short_id: TEXT(64) }),
    audit: "invite",
    handle: (request: ApiRequest<InviteBody>, context) => invite(request.body, context),
  },
  ...(["promote", "demote"] as const).map((verb): ApiRoute => ({
    method: "POST",
    path: `/members/:node_id/${verb}`,
    role: "owner",
    stepUp: true,
    body: shape({ level: LEVEL }),
    audit: `member.${verb}`,
    handle: async (request: ApiRequest<{ level: MemberLevel }>, { services }) => ({
      event_id: (await services.community[verb]({ target: request.params["node_id"] ?? "", level: request.body.level })).event_id,
    }),
  })),
  {
    method: "POST",
    path: "/members/:node_id/revoke",
    role: "owner",
    stepUp: true,
    body: shape({ reason: TEXT(200), "root_key?": shape({ file: TEXT(8192), passphrase: { type: "string", maxLength: 1024 } }) }),
    audit: "member.revoke",
    handle: async (request: ApiRequest<{ reason: string; root_key?: { file: string; passphrase: string } }>, { services }) => {
      const { reason, root_key } = request.body;
      const event = await services.community.revoke({
        target: request.params["node_id"] ?? "",
        reason,
        ...(root_key === undefined ? {} : { rootKey: root_key }),
      });
      return { event_id: event.event_id };
    },
  },
  {
    method: "GET",
    path: "/peers",
    role: "viewer",
    handle: (_request: ApiRequest, { services }) => ({ items: services.peers.list() }),
  },
  {
    method: "POST",
    path: "/peers",
    role: "owner",
    body: shape({ host: TEXT(255), port: { type: "integer", minimum: 1, maximum: 65_535 }, "node_id?": TEXT(64) }),
    audit: "peer.add",
    auditTarget: ({ host, port }: { host: string; port: number }) => `${host}:${port}`,
    handle: (request: ApiRequest<{ host: string; port: number; node_id?: string }>, { services }): Promise<PeerRow> =>
      services.peers.add({ transport: "https", host: request.body.host, port: request.body.port }, request.body.node_id),
  },
  {
    method: "GET",
    path: "/peers/:node_id",
    role: "viewer",
    handle: (request: ApiRequest, { services }): PeerExplanation => services.peers.explain(request.params["node_id"] ?? ""),
  },
  {
    method: "DELETE",
    path: "/peers/:node_id",
    role: "owner",
    audit: "peer.remove",
    handle: (request: ApiRequest, { services }) => {
      services.peers.remove(request.params["node_id"] ?? "");
      return {};
    },
  },
];

/** Joins, and looks for whoever has invited this node where the invitation says. @throws as `Community.join` */
export async function joinByInvite(text: string, services: AdminServices): Promise<Awaited<ReturnType<Community["join"]>>> {
  const hints = services.invitedBy(text);
  const joined = await services.community.join(text, services.link);
  for (const hint of hints) services.peers.hint(hint);
  void services.peers.refresh();
  return joined;
}

/** The inviter has compared both screens: an unsigned QR code could have been swapped on its way (I-15). */
async function invite(
  body: InviteBody,
  { services }: AdminContext,
): Promise<{ invite_blob: string; event_id: string; expires_at: string }> {
  const { node_id, display_name } = services.readFreshDeviceId(body.fresh_id);
  if (!services.sameShortId(body.confirmed_short_id, services.shortId(node_id)))
    throw new HnError("bad_request", {
      message: "The short id you confirmed is not that of this device. Compare both screens once more.",
      paths: ["/confirmed_short_id"],
    });
  const made = await services.community.invite({
    invitee: node_id,
    display_name,
    level: body.level,
    endpoints: services.endpoints(),
  });
  return { invite_blob: made.text, event_id: made.event_id, expires_at: made.blob.expires_at };
}
