/** The log, topics, members, signatures: what a plugin shares, over the link. @source plugin-platform §4.3 */
import type { PlacedEvent } from "@hearthnet/host/contract";
import type { CommunityFacts, Dht, EventReader, Events, Identity, Pubsub } from "../commons.ts";
import type { HostLink } from "./host-link.ts";
import type { RunningCall } from "./request.ts";

export function openEventReader(link: HostLink, parent: RunningCall | undefined): EventReader {
  return {
    async *query(query = {}) {
      for await (const { data } of link.frames("events.query", query, { parent, signal: parent?.signal }))
        yield* data["events"] as unknown as PlacedEvent[];
    },
  };
}

export function openEvents(link: HostLink): Events {
  return {
    ...openEventReader(link, undefined),
    append: (type, data, { clientId }) => link.op("events.append", { type, data, clientId }),
    push: async (id, to) => (await link.op("events.push", { id, to })).delivered,
  };
}

export function openPubsub(link: HostLink): Pubsub {
  return { publish: async (topic, data) => void (await link.op("pubsub.publish", { topic, data })) };
}

export function openCommunity(link: HostLink): CommunityFacts {
  return {
    members: async () => (await link.op("community.members", {})).members as never,
    policy: async () => (await link.op("community.policy", {})).policy,
  };
}

export function openDht(link: HostLink): Dht {
  return {
    findCommunity: async (id) => (await link.op("dht.findCommunity", { id })).endpoints,
    findSources: async (cid) => (await link.op("dht.findSources", { cid })).sources,
    advertiseCid: async (cid) => void (await link.op("dht.advertiseCid", { cid })),
    withdrawCid: async (cid) => void (await link.op("dht.withdrawCid", { cid })),
  };
}

export function openIdentity(link: HostLink, facts: { nodeId: string; communityId: string | null }): Identity {
  return Object.freeze({
    ...facts,
    signPlugin: async (payload: object) => (await link.op("identity.signPlugin", { payload })).signature,
    signDoc: async (type: string, doc: object) => (await link.op("identity.signDoc", { type, doc })).signature,
    dh: async (peer: string) => (await link.op("identity.dh", { peer })).shared,
    readProof: async (proof: object) => (await link.op("identity.readProof", { proof })).call,
  });
}
