/** Who belongs to the community, under which rules, and who offers what. @source plugin-platform §3.1 community.read */
import type { CapabilityEntry } from "../../contract/index.ts";
import { communityOf } from "../commons/index.ts";
import { text } from "./arguments.ts";
import { parseRef } from "./bus-ops.ts";
import type { OpFamily } from "./op-family.ts";

export const COMMUNITY_OPS: OpFamily<"community" | "providers"> = {
  "community.members": ({ scope }) => {
    scope.grants().require("community.read");
    const members = communityOf(scope.commons).members();
    return { members: members.map(({ node_id, display_name, level, added_at }) => ({ node_id, display_name, level, added_at })) };
  },
  "community.policy": ({ scope }) => {
    scope.grants().require("community.read");
    return { policy: communityOf(scope.commons).policy() };
  },
  providers: ({ scope, args, note }) => {
    const ref = text(args, "cap", 160);
    const { name, version } = parseRef(ref);
    note({ target: `${name}@${version[0]}` });
    scope.grants().require("community.read");
    const now = scope.clock.monotonic();
    const fits = ({ descriptor, quarantined_until }: CapabilityEntry): boolean =>
      descriptor.version[0] === version[0] && descriptor.version[1] >= version[1] && quarantined_until <= now;
    const providers = scope.bus
      .entries({ name })
      .filter(fits)
      .map(({ node_id, descriptor }) => ({ node: node_id, params: descriptor.params }));
    return { providers };
  },
};
