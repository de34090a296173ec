import type { Clock, CoSigner, Event, JsonObject, NodeId } from "../contract/index.ts";
import { type UlidFactory, formatTime, HnError } from "../foundation/index.ts";
import { importRootKey, parseNodeId, type Signer } from "../identity/index.ts";
import type { EventLog } from "./log/event-log.ts";
import { shapeEvent } from "./log/shape.ts";
import { replay } from "./views/membership.ts";
import { coSignPayload } from "./views/cosign.ts";

/** Whose signature it is, and when. */
export interface Hand {
  signer: Signer;
  clock: Clock;
  newUlid: UlidFactory;
}

const SIGNING_WINDOW_MS = 86_400_000;

export interface LevelChange {
  type: "community.member.promoted" | "community.member.demoted" | "community.member.revoked";
  target: NodeId;
  data: JsonObject;
  coSigners: CoSigner[];
  rootKey?: { file: string; passphrase: string };
}

/**
 * Appends a co-signed act. Before anything is written the act is replayed on top of the log: if it would have no effect it is refused here,
 * instead of standing in the log for ever without effect.
 * @throws unauthorized co_signer_insufficient · not_found
 * @source 04 §6, E-7, E-8
 */
export async function act(log: EventLog, change: LevelChange, o: Hand): Promise<Event> {
  parseNodeId(change.target);
  const asked = change.data["client_id"];
  const done = typeof asked === "string" ? log.store.byClientId(o.signer.nodeId, asked, change.type) : null;
  if (done !== null) return done;
  const view = log.view();
  if (!view.members.has(change.target)) throw new HnError("not_found", { message: "Nobody with this id is a member." });
  const type = change.type;
  const base: JsonObject = {
    client_id: o.newUlid(),
    target_node_id: change.target,
    not_after: formatTime(o.clock.now() + SIGNING_WINDOW_MS),
    ...change.data,
  };
  const payload = coSignPayload({ community_id: log.communityId(), event_type: type, data: base });
  const signers: CoSigner[] = [...change.coSigners, { node_id: o.signer.nodeId, signature: o.signer.signCoSign(payload) }];
  if (change.rootKey !== undefined) {
    const root = await importRootKey(change.rootKey.file, change.rootKey.passphrase);
    if (root.nodeId !== log.communityId())
      throw new HnError("bad_request", { message: "This key file belongs to another community." });
    signers.push({ node_id: root.nodeId, signature: root.signCoSign(payload) });
    root.destroy();
  }
  const data: JsonObject = { ...base, co_signers: signers as unknown as JsonObject[] };
  checkEffect(log, { type, data, target: change.target }, o);
  return log.append({ type, data });
}

/** Tries the act on a copy of the view. @throws unauthorized co_signer_insufficient */
export function checkEffect(log: EventLog, act: { type: string; data: JsonObject; target: NodeId }, o: Hand): void {
  const event = o.signer.signEvent({
    schema_version: 1,
    event_id: o.newUlid(),
    lamport: log.store.clock() + 1,
    wall_clock: formatTime(o.clock.now()),
    community_id: log.communityId(),
    author: o.signer.nodeId,
    event_type: act.type,
    data: act.data,
  });
  const made = shapeEvent(event).event;
  const before = log.view().members.get(act.target)?.level;
  const after = replay(log.communityId(), function* () {
    yield* log.store.ordered("community.");
    yield made;
  });
  if (after.members.get(act.target)?.level === before) throw new HnError("unauthorized", { reason: "co_signer_insufficient" });
}

/** The last event of the target that this node has seen, how many there are and their sum: nothing older may be slipped in later (E-9). */
export function targetHead(log: EventLog, target: NodeId): JsonObject {
  const last = log.store.lastOf(target);
  if (last === null) return {};
  const { count, sum } = log.store.sumUpTo(target, last);
  return { target_head: { lamport: last.lamport, event_id: last.event_id, count, sum: sum.toString(16).padStart(64, "0") } };
}
