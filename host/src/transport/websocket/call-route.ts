import { HnError } from "../../foundation/index.ts";
import { CONSTANTS } from "../../contract/index.ts";
import { readCall } from "../http/bus-call.ts";
import type { Room } from "../http/room.ts";
import type { UpgradeEntry } from "../http/upgrade.ts";
import { headersOf } from "../inbound/passage.ts";
import { BUS_PROTOCOL } from "./bus-socket.ts";
import { CallSession } from "./call-session.ts";
import { BUS_DOOR, socketDoor } from "./door.ts";

/** `GET /bus/v1/call` with an upgrade: one streaming call over one WebSocket. @source 02 §2, §8 */
export function busSocketEntry(room: Room): UpgradeEntry {
  return {
    path: "/bus/v1/call",
    protocol: BUS_PROTOCOL,
    open: socketDoor(room, {
      ...BUS_DOOR,
      rule: { capability: undefined, query: "refused" },
      prepare: (fields) => {
        const named = fields.get("x-hearthnet-capability");
        return named === undefined ? CONSTANTS.CALL_BODY_MAX_BYTES : limitOf(room, named);
      },
      begin: ({ socket, passage, visit }) => {
        limitOf(room, headersOf(passage).capability);
        const session = new CallSession(room, { socket, passage, visit, call: readCall(passage, visit.signal) });
        session.run().catch((error: unknown) => room.log.error("a WebSocket's call broke", { error }));
      },
    }),
  };
}

/** @throws bad_request reason not_streaming for what answers in one piece; what is not known here is the bus's business */
function limitOf(room: Room, capability: string): number {
  const limits = room.bus.limitsOf(capability);
  if (limits?.streams === false) throw new HnError("bad_request", { reason: "not_streaming" });
  return limits?.maxBodyBytes ?? CONSTANTS.CALL_BODY_MAX_BYTES;
}
