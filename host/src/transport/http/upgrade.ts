import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HnError } from "../../foundation/index.ts";
import { readClaim } from "../inbound/header-fields.ts";
import { ANYBODY } from "./answer.ts";
import { writeRawAnswer } from "./raw-answer.ts";
import { refuseWhenClosing, type Room } from "./room.ts";

/** One address that speaks WebSocket under one subprotocol. */
export interface UpgradeEntry {
  /** Whole, without the query. */
  path: string | RegExp;
  /** Null: whatever the client offers, none is agreed on. */
  protocol: string | null;
  /**
   * Takes the connection over. What it throws is told to the sender in signed words and ends the connection; it must then not have written
   * anything.
   * @throws HnError; `capacity_exceeded` is told as 503, so that callers fall back to server-sent events
   */
  open(request: IncomingMessage, socket: Socket, head: Buffer): void;
}

const OVERLOADED = 503;
const OTHER_PROTOCOL = 426;

/**
 * The one place where a connection stops being HTTP: by path, then by subprotocol.
 * @param o.mounted  what plugins have at an address that is not in the table
 * @source 02 §8, network.md §2.1
 */
export function switchUpgrades(
  server: Pick<Server, "on">,
  room: Room,
  { table, mounted }: { table: readonly UpgradeEntry[]; mounted: (request: IncomingMessage) => UpgradeEntry[] },
): void {
  server.on("upgrade", (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    const socket = request.socket;
    const sender = request.headers["x-hearthnet-from"];
    const claimed = typeof sender === "string" ? sender : undefined;
    // Before any cryptography, as for every other request. @source 02 §3 step 0
    const verdict = room.gate.addresses.arrive(socket.remoteAddress ?? "", claimed, room.clock.monotonic());
    if (verdict.kind !== "pass") return void socket.destroy();
    const claim = readClaim(undefined, request.headers["x-hearthnet-request-id"]);
    try {
      refuseWhenClosing(room);
      const own = table.filter(({ path }) => isAt(path, pathOf(request)));
      const here = own.length > 0 ? own : mounted(request);
      if (here.length === 0)
        throw new HnError("not_found", {
          message: "No WebSocket is offered at this address. See the protocol's list of endpoints.",
        });
      const offered = protocolsOf(request);
      const entry = here.find(({ protocol }) => protocol === null || offered.includes(protocol));
      if (entry !== undefined) return entry.open(request, socket, head);
      const answer = room.answerer.refuse(new HnError("bad_request", { reason: "upgrade_unsupported" }), ANYBODY, OTHER_PROTOCOL);
      answer.headers["sec-websocket-protocol"] = here.map(({ protocol }) => protocol).join(", ");
      writeRawAnswer(duplex, answer);
    } catch (error) {
      const overloaded = HnError.isHnError(error) && error.code === "capacity_exceeded";
      writeRawAnswer(duplex, room.answerer.refuse(error, claim, overloaded ? OVERLOADED : undefined));
    }
  });
}

function pathOf({ url = "" }: Pick<IncomingMessage, "url">): string {
  const at = url.indexOf("?");
  return at < 0 ? url : url.slice(0, at);
}

function isAt(path: UpgradeEntry["path"], asked: string): boolean {
  return typeof path === "string" ? path === asked : path.test(asked);
}

function protocolsOf(request: IncomingMessage): string[] {
  return (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
}
