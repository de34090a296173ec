import type { MemberLevel, Proposal } from "../../contract/index.ts";
import type { ApiRequest, ApiRoute } from "../context.ts";
import { EMPTY, shape, TEXT } from "./shapes.ts";

const PROPOSAL_MAX = 16_384;
const TAIL_MAX = 500;
const PROPOSAL = shape({ text: TEXT(PROPOSAL_MAX) });

/** The community's log: how it stands, whether it is whole, and what members sign together. @source 04, network.md §5 */
export const communityLogRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/community/log",
    role: "viewer",
    handle: (_request: ApiRequest, { services }) => ({ ...services.community.status(), peers: services.gossip.rows() }),
  },
  {
    method: "GET",
    path: "/community/log/events",
    role: "viewer",
    handle: (request: ApiRequest, { services }) => {
      const limit = Math.min(TAIL_MAX, Math.max(1, Math.trunc(Number(request.query["limit"])) || 20));
      return { items: services.community.tail(limit) };
    },
  },
  {
    method: "POST",
    path: "/community/log/verify",
    role: "operator",
    body: EMPTY,
    handle: (_request: ApiRequest, { services }) => services.community.verifyLog(),
  },
  {
    method: "POST",
    path: "/community/log/sync",
    role: "operator",
    body: EMPTY,
    handle: async (_request: ApiRequest, { services }) => ({
      items: (await services.gossip.meetAll()).map(({ node_id, report, error }) => ({
        node_id,
        report,
        error: error?.toLocal() ?? null,
      })),
    }),
  },
  {
    method: "POST",
    path: "/community/log/snapshot",
    role: "operator",
    body: EMPTY,
    audit: "community.snapshot",
    handle: (_request: ApiRequest, { services }) => services.community.snapshot(),
  },
  {
    method: "POST",
    path: "/community/log/prune",
    role: "owner",
    stepUp: true,
    body: EMPTY,
    audit: "community.prune",
    handle: (_request: ApiRequest, { services }) => services.community.prune(),
  },
  {
    method: "POST",
    path: "/community/proposals",
    role: "owner",
    stepUp: true,
    body: shape({
      action: { enum: ["community.member.promoted", "community.member.demoted", "community.member.revoked"] },
      target: TEXT(64),
      "level?": { enum: ["member", "trusted", "anchor"] },
      "reason?": TEXT(200),
    }),
    audit: "community.propose",
    auditTarget: ({ target }: { target: string }) => target,
    handle: (
      { body }: ApiRequest<{ action: Proposal["action"]; target: string; level?: MemberLevel; reason?: string }>,
      { services },
    ) => services.community.propose(body),
  },
  {
    method: "POST",
    path: "/community/proposals/read",
    role: "viewer",
    body: PROPOSAL,
    handle: ({ body }: ApiRequest<{ text: string }>, { services }) => services.community.readProposal(body.text),
  },
  {
    method: "POST",
    path: "/community/proposals/cosign",
    role: "owner",
    stepUp: true,
    body: PROPOSAL,
    audit: "community.cosign",
    handle: ({ body }: ApiRequest<{ text: string }>, { services }) => services.community.cosign(body.text),
  },
  {
    method: "POST",
    path: "/community/proposals/submit",
    role: "owner",
    stepUp: true,
    body: PROPOSAL,
    audit: "community.submit",
    handle: async ({ body }: ApiRequest<{ text: string }>, { services }) => {
      const { event_id, lamport } = await services.community.submit(body.text);
      return { event_id, lamport };
    },
  },
];
