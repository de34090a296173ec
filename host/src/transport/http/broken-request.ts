import type { Socket } from "node:net";
import { HnError } from "../../foundation/index.ts";
import { ANYBODY } from "./answer.ts";
import { writeRawAnswer } from "./raw-answer.ts";
import type { Room } from "./room.ts";

/**
 * What Node's HTTP parser could not read. A header block that is too large is told so, other garbage too; whoever is too slow, does not even
 * speak TLS, or has used up its address's share, is cut without a word.
 * @source 02 T-1
 */
export function refuseBroken(room: Room, error: { code?: string }, socket: Socket): void {
  const isGarbage = error.code?.startsWith("HPE_") === true && socket.writable;
  if (!isGarbage || room.gate.addresses.arrive(socket.remoteAddress ?? "", undefined, room.clock.monotonic()).kind !== "pass")
    return void socket.destroy();
  const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const refusal = new HnError("bad_request", {
    reason: tooLarge ? "too_large" : "header_missing",
    message: tooLarge
      ? "The headers are larger than the 16 KiB allowed. Send less."
      : "This is not an HTTP request that can be read.",
  });
  writeRawAnswer(socket, room.answerer.refuse(refusal, ANYBODY, tooLarge ? 431 : 400));
}
