import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { HnError } from "../../foundation/index.ts";
import { verifyTyped } from "../../identity/index.ts";
import { CONSTANTS, type Timer } from "../../contract/index.ts";
import { DROP } from "../inbound/gate.ts";
import { headerWrong, readFields, type Fields } from "../inbound/header-fields.ts";
import { headersOf, newPassage, type Passage, type RouteRule } from "../inbound/passage.ts";
import { admitSigned } from "../inbound/pipeline.ts";
import type { Visit } from "../inbound/visits.ts";
import type { Room } from "../http/room.ts";
import { claimSocket } from "../http/signed-route.ts";
import type { UpgradeEntry } from "../http/upgrade.ts";
import { FrameWriter } from "../sse/frame-writer.ts";
import { acceptSocket, BUS_PROTOCOL, textOf, type BusSocket } from "./bus-socket.ts";
import { malformed } from "./client-message.ts";
import { CLOSE, closeCodeOf } from "./close-code.ts";
import { readFirstMessage } from "./first-message.ts";

const FIRST_MESSAGE_MS = CONSTANTS.WS_FIRST_MESSAGE_SECONDS * 1000;
/** What stands around the body in a first message. */
const ENVELOPE_BYTES = 8192;

/** A socket whose client has proven who it is. */
export interface Admitted {
  socket: BusSocket;
  passage: Passage;
  visit: Visit;
}

export interface SocketRoute {
  rule: RouteRule;
  /** Subprotocol that is agreed on; null: none. */
  protocol: string | null;
  /** Largest message in bytes that may follow the first. */
  messageMaxBytes: number;
  /** Looks at the upgrade before anything was agreed to. @returns largest body in bytes @throws HnError, told as a status */
  prepare: (fields: Fields) => number;
  /** The client is proven. @throws HnError, told as a last frame */
  begin: (admitted: Admitted) => void;
}

/** Of the bus's own sockets. */
export const BUS_DOOR: Pick<SocketRoute, "protocol" | "messageMaxBytes"> = {
  protocol: BUS_PROTOCOL,
  messageMaxBytes: CONSTANTS.FRAME_MAX_BYTES + ENVELOPE_BYTES,
};

/**
 * Lets a WebSocket in: the upgrade is cheap and proves nothing, the first message does, and must come within 5 s.
 * @source 02 §8, T-15
 */
export function socketDoor(room: Room, route: SocketRoute): UpgradeEntry["open"] {
  return (request, socket, head) => {
    const { url = "", rawHeaders } = request;
    const queryAt = url.indexOf("?");
    const passage = newPassage({
      rule: route.rule,
      address: socket.remoteAddress ?? "",
      rawHeaders,
      queryText: queryAt < 0 ? "" : url.slice(queryAt + 1),
      isGet: true,
    });
    const fields = readFields(rawHeaders);
    if (route.rule.query === "refused" && passage.queryText !== "")
      throw new HnError("bad_request", { message: "This address takes no query string. Put everything into the first message." });
    if (request.headers.upgrade?.toLowerCase() !== "websocket") throw headerWrong("Upgrade", "must be websocket");
    const maxBytes = Math.min(route.prepare(fields), CONSTANTS.CALL_BODY_CEILING_BYTES) + ENVELOPE_BYTES;
    const held = hold(room, { socket, address: passage.address, maxBytes });
    const { protocol, messageMaxBytes } = route;
    acceptSocket({ request, socket, head, maxBytes: Math.max(maxBytes, messageMaxBytes), protocol }, (open) =>
      awaitFirst(room, { open, route, passage, fields, maxBytes, tcp: socket, held }),
    );
  };
}

/** A place among the address's unproven sockets, and room for what it may send before it is proven. Ends with the connection at the latest. */
function hold(room: Room, o: { socket: Socket; address: string; maxBytes: number }): () => void {
  const leave = room.sockets.enter(o.address);
  try {
    room.budget.take(o.maxBytes);
  } catch (error) {
    leave();
    throw error;
  }
  let held = true;
  const release = (): void => {
    if (!held) return;
    held = false;
    leave();
    room.budget.giveBack(o.maxBytes);
  };
  o.socket.once("close", release);
  return release;
}

interface Waiting {
  open: BusSocket;
  route: SocketRoute;
  passage: Passage;
  fields: Fields;
  maxBytes: number;
  tcp: IncomingMessage["socket"];
  held: () => void;
}

function awaitFirst(room: Room, waiting: Waiting): void {
  const { open, passage } = waiting;
  const timer: Timer = room.clock.setTimeout(() => open.close(CLOSE.timeout), FIRST_MESSAGE_MS);
  open.on("error", () => undefined);
  open.once("close", () => timer.cancel());
  open.once("message", (data, isBinary) => {
    timer.cancel();
    if (open.readyState !== open.OPEN) return;
    let visit: Visit | undefined;
    try {
      const text = textOf(data, isBinary);
      if (text === undefined) throw malformed("Binary messages are not taken here. Send text.");
      readFirstMessage(passage, text, waiting);
      admitSigned(passage, room.gate);
      checkUpgradeSignature(room, waiting);
      claimSocket(room, passage, waiting.tcp);
      waiting.held();
      visit = room.visits.beginOn({ node: headersOf(passage).from, socket: waiting.tcp });
      const done = passage.token === undefined ? undefined : room.tokenWatch?.follow(visit, passage.token);
      if (done !== undefined) waiting.tcp.once("close", done);
      waiting.route.begin({ socket: open, passage, visit });
    } catch (error) {
      if (error === DROP) return open.terminate();
      refuse(room, { open, passage, error: visit?.refusal ?? error });
    }
  });
}

/** The upgrade may be signed as well: over the envelope with an empty body, and once only. @source 02 T-15 */
function checkUpgradeSignature(room: Room, { fields, passage }: Waiting): void {
  const signature = fields.get("x-hearthnet-signature");
  if (signature === undefined) return;
  const { from, request_id } = headersOf(passage);
  if (!verifyTyped("request", { ...passage.envelope, body: {} }, { by: from, signature })) {
    room.gate.addresses.failedSignature(passage.address, from, room.clock.monotonic());
    throw new HnError("invalid_signature");
  }
  if (room.gate.replays.enter(from, `${request_id}#up`) !== "new") throw new HnError("invalid_signature", { reason: "replayed" });
}

/** In signed words where it is known to whom they go, then the close code. */
function refuse(room: Room, o: { open: BusSocket; passage: Passage; error: unknown }): void {
  const error = HnError.from(o.error);
  const { from, requestId } = o.passage.claim;
  const wire = room.answerer.wireError(error, o.passage.claim);
  const { clock, answerer } = room;
  if (from !== "" && requestId !== "") {
    const form = (event: string, json: string): string => `{"event":${JSON.stringify(event)},"data":${json},"seq":1}`;
    const writer = new FrameWriter({ signer: answerer.signer, clock, to: from, requestId, form });
    o.open.send(writer.terminal("error", { ...wire }));
  }
  o.open.close(closeCodeOf(error));
}
