import type {
  Bus,
  BusChange,
  Clock,
  Community,
  Event,
  JsonObject,
  JsonValue,
  Log,
  NodeId,
  NodeManifest,
  Timer,
  Topics,
} from "./contract/index.ts";

/** A burst of new capabilities is one piece of news. */
const GATHER_MS = 1000;

/** An id from the log is another's word: what is no id names no topic. */
const TOPIC = /^[a-z][a-z0-9_.]{0,63}\.[0-9A-Za-z:_-]{1,64}$/;

const text = (value: JsonValue | undefined): string => (typeof value === "string" ? value : "");

/** Event type → topic on which it is news. The log remains the truth. @source 02 §7.2, 04 §5 */
const OF_THE_LOG: Readonly<Record<string, (data: JsonObject) => string>> = {
  "community.member.joined": () => "community.member.added",
  "community.member.revoked": () => "community.member.revoked",
  "market.post.created": () => "marketplace.post.created",
  "market.post.updated": () => "marketplace.post.updated",
  "market.post.expired": () => "marketplace.post.expired",
  "chat.message.sent": ({ recipient }) => `chat.message.${text(recipient)}`,
  "chat.thread.message.sent": ({ thread_id }) => `chat.thread.message.${text(thread_id)}`,
  "federation.peer.added": () => "federation.peer.added",
  "federation.heartbeat": ({ peer_community_id }) => `federation.peer.heartbeat.${text(peer_community_id)}`,
  "auth.token.issued": () => "auth.token.issued",
};

/**
 * Publishes what this node itself has to tell: news of the log, its own description when it changes, and, for its own plugins alone, what comes
 * and goes on the bus.
 * @returns ends it
 */
export function tellTopics(o: {
  topics: Topics;
  community: Pick<Community, "onEvent">;
  bus: Pick<Bus, "onChange">;
  nodeId: NodeId;
  clock: Clock;
  manifest: () => NodeManifest | Promise<NodeManifest>;
  log: Log;
}): () => void {
  const { topics, nodeId } = o;
  const tell = (topic: string, data: JsonValue): void => topics.publish({ topic, data, from: { node_id: nodeId } });
  let gathering: Timer | undefined;
  const tellManifest = async (): Promise<void> => {
    gathering = undefined;
    try {
      tell("node.manifest.updated", (await o.manifest()) as unknown as JsonObject);
    } catch (error) {
      o.log.warn("the node's description could not be told", { error });
    }
  };
  const onChange = ({ kind, entry }: BusChange): void => {
    const { name, version } = entry.descriptor;
    const facts = { node_id: entry.node_id, name, version: version.join(".") };
    if (kind !== "updated") tell(kind === "added" ? "capability.registered" : "capability.deregistered", facts);
    if (entry.is_local) gathering ??= o.clock.setTimeout(() => void tellManifest(), GATHER_MS);
  };
  const ends = [
    o.bus.onChange(onChange),
    o.community.onEvent((event: Event) => {
      const topic = OF_THE_LOG[event.event_type]?.(event.data);
      if (topic !== undefined && TOPIC.test(topic)) tell(topic, event as unknown as JsonObject);
    }),
  ];
  return () => {
    gathering?.cancel();
    for (const end of ends) end();
  };
}
