/** A plugin writes into the community's log and reads it. @source plugin-platform §3.1 events.*; 04 §4, §10 */
import type { EventQuery, PlacedEvent, Position, Principal } from "../../contract/index.ts";
import { HnError, isUlid } from "../../foundation/index.ts";
import { communityOf } from "../commons/index.ts";
import { mayRead } from "../permission/index.ts";
import { object, optionalWhole, text, whole } from "./arguments.ts";
import { refuseCaller } from "./caller-right.ts";
import type { OpFamily } from "./op-family.ts";
import type { OpCall } from "./scope.ts";

const PAGE = 64;
const TYPES_MAX = 64;
/** What peers take from one author in an hour (04 E-15); more would only wait. */
export const APPENDS_PER_HOUR = 2000;
/** Each is two requests to a neighbour. */
export const PUSHES_PER_MINUTE = 120;

export const EVENT_OPS: OpFamily<"events"> = {
  "events.append": async (op) => {
    const { scope, args, note } = op;
    const type = text(args, "type", 64);
    note({ target: type });
    scope.grants().append(type);
    const clientId = text(args, "clientId", 26);
    if (!isUlid(clientId))
      throw new HnError("bad_request", { message: "The argument clientId must be a ULID; the same one gives the same event." });
    const data = object(args, "data");
    if (Object.hasOwn(data, "client_id") && data["client_id"] !== clientId)
      throw new HnError("bad_request", {
        message: "The data must not carry a client_id of its own.",
        paths: ["/data/client_id"],
      });
    const community = communityOf(scope.commons);
    const wait = scope.appends.take(scope.clock.monotonic());
    if (wait > 0) throw new HnError("rate_limited", { retryAfterMs: wait });
    const { event_id, lamport } = await community.append({ type, data, clientId });
    note({ bytesOut: JSON.stringify(data).length });
    return { event_id, lamport };
  },
  "events.query": async (op) => {
    const { scope, args, frame, note } = op;
    const types = names(op, "types", TYPES_MAX);
    note({ target: types?.[0] ?? "*" });
    const query = { ...bounds(op), types: scope.grants().readable(types) };
    // The log is every member's to read, and nobody else's.
    refuseCaller(op, (caller) => mayReadAll(op, caller, query.types));
    const community = communityOf(scope.commons);
    let left = optionalWhole(args, "limit") ?? Number.POSITIVE_INFINITY;
    let after = place(op);
    let bytesIn = 0;
    while (left > 0) {
      const page = community.read({ ...query, ...(after === undefined ? {} : { after }), limit: Math.min(PAGE, left) });
      for (const part of inFrames(page.events)) {
        bytesIn += part.bytes;
        note({ bytesIn });
        await frame("events", { events: part.events as never });
      }
      left -= page.events.length;
      if (page.next === null) break;
      after = page.next;
    }
    return {};
  },
  "events.push": async ({ scope, args, note }) => {
    const id = text(args, "id", 26);
    const to = text(args, "to", 64);
    scope.grants().require("events.push");
    const event = communityOf(scope.commons).ownEvent(id);
    // Of what it may not write it learns nothing, not even that it is there.
    if (event === null) throw new HnError("not_found", { message: "This node has written no event with this id." });
    note({ target: event.event_type });
    scope.grants().append(event.event_type);
    const wait = scope.pushes.take(scope.clock.monotonic());
    if (wait > 0) throw new HnError("rate_limited", { retryAfterMs: wait });
    const delivered = (await scope.commons.deliver?.(event, to)) ?? "offline";
    if (delivered === "direct") note({ bytesOut: JSON.stringify(event).length });
    return { delivered };
  },
};

/** The owner and members; of another plugin that asks through this one, what it could read itself. */
function mayReadAll({ scope: { commons } }: OpCall, caller: Principal, types: readonly string[]): boolean {
  if (caller.kind === "self") return true;
  if (caller.kind === "member") return (commons.community?.levelOf(caller.node_id) ?? "unknown") !== "unknown";
  const grants = caller.kind === "plugin" ? commons.grantsOf(caller.plugin_id ?? "") : undefined;
  return grants !== undefined && types.every((type) => mayRead(grants, type));
}

function names({ args }: OpCall, field: string, max: number): string[] | undefined {
  const value: unknown = args[field];
  if (value === undefined) return undefined;
  const good =
    Array.isArray(value) &&
    value.length <= max &&
    value.every((one) => typeof one === "string" && one.length > 0 && one.length <= 64);
  if (!good) throw new HnError("bad_request", { message: `The argument ${field} must be a list of at most ${max} names.` });
  return value as string[];
}

function bounds(op: OpCall): Omit<EventQuery, "types" | "limit" | "after"> {
  const [from, to] = [optionalWhole(op.args, "from"), optionalWhole(op.args, "to")];
  const authors = names(op, "authors", 64);
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(authors === undefined ? {} : { authors }),
  };
}

function place({ args }: OpCall): Position | undefined {
  if (args["after"] === undefined) return undefined;
  const after = object(args, "after");
  return { lamport: whole(after, "lamport"), event_id: text(after, "event_id", 26), author: text(after, "author", 64) };
}

/** Pages fit into frames: an event has 64 KiB at most, a frame's header 1 MiB. */
function inFrames(events: readonly PlacedEvent[]): { events: readonly PlacedEvent[]; bytes: number }[] {
  return events.length === 0 ? [] : [{ events, bytes: JSON.stringify(events).length }];
}
