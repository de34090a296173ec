import type { CommunityId, Community, JsonValue, NodeId, Peers, Runtime, TopicLink, Topics } from "./contract/index.ts";

/** A message that a plugin of this node may publish is no larger; a neighbour's is held to the same. */
const DATA_MAX_BYTES = 65_536;

interface Here {
  nodeId: NodeId;
  communityId: CommunityId;
}

/**
 * What neighbours tell that no log brings: a plugin's pattern → the topic that this node would hear of it. Whatever is news of the log is
 * published here as soon as the log has it, and asking neighbours as well would tell it twice.
 * @source 02 §7.2
 */
const FROM_NEIGHBOURS: readonly [prefix: string, topic: (here: Here) => string][] = [
  ["node.manifest.updated", () => "node.manifest.updated"],
  ["e2e.prekey.request.", ({ nodeId }) => `e2e.prekey.request.${nodeId}`],
  ["e2e.session.handshake.", ({ nodeId }) => `e2e.session.handshake.${nodeId}`],
  ["observability.metrics.tick.", ({ communityId }) => `observability.metrics.tick.${communityId}`],
];

/**
 * Listens at neighbours to what this node's plugins may hear, as long as a plugin wants it, and as long as the neighbour is a member and there.
 * What comes is handed to the plugins with the neighbour's name, and told to nobody else.
 * @returns ends it
 */
export function followNeighbours(o: {
  nodeId: NodeId;
  topics: Pick<Topics, "receive">;
  link: TopicLink;
  runtime: Pick<Runtime, "list" | "grants" | "onChange">;
  peers: Pick<Peers, "list" | "onChange">;
  community: Pick<Community, "communityId" | "standing">;
}): () => void {
  /** By `node topic`. */
  const open = new Map<string, () => void>();
  const listen = (node: NodeId, topic: string): (() => void) =>
    o.link.follow({
      to: node,
      endpoints: () => o.peers.list().find((peer) => peer.node_id === node)?.endpoints ?? [],
      topic,
      onMessage: (data: JsonValue) => {
        if (JSON.stringify(data).length <= DATA_MAX_BYTES) o.topics.receive({ topic, data, from: { node_id: node } });
      },
      // It may not know yet that this node is a member: asked again when something changes here.
      onEnd: () => void open.delete(`${node} ${topic}`),
    });
  const settle = (): void => {
    const communityId = o.community.communityId();
    const wanted = communityId === null ? [] : wantedTopics(o.runtime, { nodeId: o.nodeId, communityId });
    const there = o.peers.list().filter((peer) => peer.online && o.community.standing(peer.node_id).kind === "member");
    const pairs = new Map<string, { node: NodeId; topic: string }>();
    for (const { node_id: node } of there) for (const topic of wanted) pairs.set(`${node} ${topic}`, { node, topic });
    for (const [key, end] of open) {
      if (pairs.has(key)) continue;
      open.delete(key);
      end();
    }
    for (const [key, { node, topic }] of pairs) if (!open.has(key)) open.set(key, listen(node, topic));
  };
  const ends = [o.runtime.onChange(settle), o.peers.onChange(settle)];
  settle();
  return () => {
    for (const end of [...ends, ...open.values()]) end();
    open.clear();
  };
}

function wantedTopics(runtime: Pick<Runtime, "list" | "grants">, here: Here): string[] {
  const patterns = runtime
    .list()
    .filter(({ state }) => state === "active")
    .flatMap(({ id }) => runtime.grants(id))
    .filter(({ permission, mode }) => permission === "pubsub.subscribe" && mode === "allow")
    .flatMap(({ scope }) => (Array.isArray(scope["topics"]) ? scope["topics"] : []))
    .filter((pattern) => typeof pattern === "string");
  const topics = FROM_NEIGHBOURS.filter(([prefix, topic]) =>
    patterns.some((pattern) => pattern === topic(here) || (prefix.endsWith(".") && pattern.startsWith(`${prefix}<`))),
  ).map(([, topic]) => topic(here));
  return [...new Set(topics)];
}
