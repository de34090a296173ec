import { isNodeId } from "../../identity/index.ts";
import type { JsonValue, MemberLevel, NodeId, TopicGuard } from "../../contract/index.ts";

/** Who asks, and what this node knows of it at this moment. */
export interface Asker {
  node: NodeId;
  level: MemberLevel;
}

interface Row {
  /** What stands before the final segment; without one the whole name. */
  name: string;
  /** The topic ends in an id. */
  id?: true;
  /** @param id  the final segment */
  may: (asker: Asker, id: string, guard: TopicGuard) => boolean;
  /** Which of its messages an asker sees; all by default. */
  sees?: (asker: Asker, data: JsonValue) => boolean;
}

const members = (): boolean => true;
const anchors = ({ level }: Asker): boolean => level === "anchor";
const thatNode = ({ node }: Asker, id: string): boolean => isNodeId(id) && id === node;

/** Everything that is told to neighbours; what is not listed is not told to anybody. @source 02 §7.2 */
const ROWS: readonly Row[] = [
  { name: "community.member.added", may: members },
  { name: "community.member.revoked", may: members },
  { name: "node.manifest.updated", may: members },
  { name: "marketplace.post.created", may: members },
  { name: "marketplace.post.updated", may: members },
  { name: "marketplace.post.expired", may: members },
  { name: "chat.message", id: true, may: thatNode },
  { name: "chat.thread.message", id: true, may: ({ node }, thread, guard) => guard.isThreadMember(thread, node) },
  { name: "federation.peer.added", may: members },
  { name: "federation.peer.heartbeat", id: true, may: members },
  { name: "auth.token.issued", may: members, sees: concerns },
  { name: "e2e.prekey.request", id: true, may: thatNode },
  { name: "e2e.session.handshake", id: true, may: thatNode },
  { name: "file.replication.request", id: true, may: anchors },
  { name: "mobile.push", id: true, may: ({ node }, device, guard) => guard.isRelayOf(device, node) },
  { name: "observability.metrics.tick", id: true, may: members },
];

const ID = /^[0-9A-Za-z:_-]{1,64}$/;

/** What an asker may read of a topic. */
export interface Reading {
  /** Asked anew before every message: rights end. */
  may: (asker: Asker, guard: TopicGuard) => boolean;
  sees: (asker: Asker, data: JsonValue) => boolean;
}

/** @returns undefined for a topic that is never told to neighbours, or that there is none of */
export function readingOf(topic: string): Reading | undefined {
  for (const { name, id, may, sees } of ROWS) {
    const rest = id === true && topic.startsWith(`${name}.`) ? topic.slice(name.length + 1) : "";
    if (id === true ? ID.test(rest) : topic === name)
      return { may: (asker, guard) => may(asker, rest, guard), sees: sees ?? ((): boolean => true) };
  }
  return undefined;
}

/** Of tokens only whoever gave it and whoever it is for. @source 02 §7.2, 05 */
function concerns({ node }: Asker, event: JsonValue): boolean {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return false;
  const { author, data } = event;
  const isObject = typeof data === "object" && data !== null && !Array.isArray(data);
  return author === node || (isObject && data["subject"] === node);
}
