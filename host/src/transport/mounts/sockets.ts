import type { IncomingMessage } from "node:http";
import { HnError } from "../../foundation/index.ts";
import { CONSTANTS, type Principal, type RouteRequest, type RouteSocket } from "../../contract/index.ts";
import type { Room } from "../http/room.ts";
import { refuseWhenClosing } from "../http/room.ts";
import type { UpgradeEntry } from "../http/upgrade.ts";
import { headersOf, type Passage } from "../inbound/passage.ts";
import { acceptSocket, type BusSocket } from "../websocket/bus-socket.ts";
import { malformed } from "../websocket/client-message.ts";
import { socketDoor } from "../websocket/door.ts";
import { headersIn } from "./headers.ts";
import { checkStanding, pathOf, queryIn } from "./serve.ts";
import { SocketTalk } from "./socket-talk.ts";
import type { Match } from "./table.ts";

const FIRST_BODY_MAX_BYTES = 4096;
/** Messages per second; what comes faster waits. */
const KNOWN_PER_SECOND = 100;
const STRANGER_PER_SECOND = 20;
/** WebSockets without a proof that one address may hold. */
const OPEN_PER_ADDRESS = 8;
const RETRY_MS = 5000;

interface Place extends Match {
  socket: RouteSocket;
  protocol: string | null;
}

/** WebSockets on routes of plugins, at what the host itself has no entry for. @source plugin-platform §2.4 */
export function mountedSockets(room: Room): (request: IncomingMessage) => UpgradeEntry[] {
  const strangers = new Map<string, number>();
  return (request) => {
    const path = pathOf(request.url ?? "");
    const match = room.mounts?.find(request.method ?? "", path);
    const socket = match?.route.socket;
    if (match === undefined || socket === undefined) return [];
    const protocols: readonly (string | null)[] = socket.protocols.length === 0 ? [null] : socket.protocols;
    const { auth } = match.route;
    const open = auth === "public" || auth === "bearer" ? openDoor(room, strangers) : provenDoor(room);
    return protocols.map((protocol) => ({ path, protocol, open: open({ ...match, socket, protocol }) }));
  };
}

type Door = (place: Place) => UpgradeEntry["open"];

/** Behind the whole pipeline: the first message proves who calls, and says what the address says. @source 02 T-4, T-15 */
function provenDoor(room: Room): Door {
  return (place) => (request, socket, head) => {
    const { route, params, protocol } = place;
    const open = socketDoor(room, {
      rule: { capability: route.pseudo, query: "body", anyKey: route.auth === "signed" },
      protocol,
      messageMaxBytes: maxBytesOf(place),
      prepare: () => FIRST_BODY_MAX_BYTES,
      begin: (admitted) => {
        const { passage, visit } = admitted;
        const query = queryIn(request.url ?? "");
        checkSaid(passage, { ...query, ...params });
        checkStanding(passage.caller, route.auth);
        const { request_id: requestId, traceId = requestId } = headersOf(passage);
        const facts = { query, caller: passage.caller ?? null, requestId, traceId };
        begin(room, place, { socket: admitted.socket, facts, request, signal: visit.signal, isKnown: true });
      },
    });
    open(request, socket, head);
  };
}

/** Nobody is proven here: the address limiter stands before it, the plugin's own judgement behind. */
function openDoor(room: Room, strangers: Map<string, number>): Door {
  return (place) => (request, socket, head) => {
    refuseWhenClosing(room);
    const query = queryIn(request.url ?? "");
    const address = socket.remoteAddress ?? "";
    const held = strangers.get(address) ?? 0;
    if (held >= OPEN_PER_ADDRESS)
      throw new HnError("capacity_exceeded", { reason: "plugin_sockets_full", retryAfterMs: RETRY_MS });
    strangers.set(address, held + 1);
    const left = new AbortController();
    socket.once("close", () => {
      const rest = (strangers.get(address) ?? 1) - 1;
      if (rest === 0) strangers.delete(address);
      else strangers.set(address, rest);
      left.abort(new HnError("timeout"));
    });
    const requestId = room.newId();
    acceptSocket({ request, socket, head, maxBytes: maxBytesOf(place), protocol: place.protocol }, (open) =>
      begin(room, place, {
        socket: open,
        facts: { query, caller: null, requestId, traceId: requestId },
        request,
        signal: left.signal,
        isKnown: false,
      }),
    );
  };
}

interface Beginning {
  socket: BusSocket;
  facts: { query: Record<string, string>; caller: Principal | null; requestId: string; traceId: string };
  request: IncomingMessage;
  signal: AbortSignal;
  isKnown: boolean;
}

function begin(room: Room, place: Place, { socket, facts, request, signal, isKnown }: Beginning): void {
  const { route, params, protocol } = place;
  const asked: Omit<RouteRequest, "signal"> = {
    ...facts,
    path: pathOf(request.url ?? ""),
    params,
    headers: headersIn(request.headers, route.auth),
    body: {},
  };
  const talk = new SocketTalk(room, {
    socket,
    maxBytes: maxBytesOf(place),
    perSecond: isKnown ? KNOWN_PER_SECOND : STRANGER_PER_SECOND,
    pongCounts: isKnown,
    signal,
    talk: (incoming, over) => place.socket.talk({ ...asked, signal: over }, { protocol, incoming }),
  });
  talk.run().catch((error: unknown) => room.log.error("a plugin's WebSocket broke", { error }));
}

function maxBytesOf({ route }: Place): number {
  return Math.min(route.maxBodyBytes, CONSTANTS.FRAME_MAX_BYTES);
}

/** What the address says is all that is signed, so that a proof for one address is none for another. @source 02 T-4, T-15 */
function checkSaid({ body }: Passage, said: Record<string, string>): void {
  const names = new Set([...Object.keys(said), ...Object.keys(body ?? {})]);
  for (const name of names)
    if (!Object.hasOwn(said, name) || body?.[name] !== said[name])
      throw malformed(`The first message's body must hold what the address says and nothing else; ${name.slice(0, 32)} differs.`);
}
