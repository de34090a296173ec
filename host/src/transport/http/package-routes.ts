import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { HnError } from "../../foundation/index.ts";
import type { BlobName, Clock, NodeId, ShelvedFile } from "../../contract/index.ts";
import { callerOf } from "../inbound/passage.ts";
import type { Visit } from "../inbound/visits.ts";
import { INERT } from "../mounts/headers.ts";
import { checkStanding } from "../mounts/serve.ts";
import type { Room } from "./room.ts";
import { send, signedRoute } from "./signed-route.ts";

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

const FILE = /^(?:root|timestamp|[1-9]\d{0,14}\.[a-z][a-z0-9-]{0,63})\.json$/;
const REGISTRY = /^[a-z][a-z0-9-]{0,38}$/;
const HASH = /^[0-9a-f]{64}$/;
const RANGE = /^bytes=(\d{1,15})-(\d{1,15})?$/;
/** Small enough that files to one neighbour take turns several times a second. */
const PIECE_BYTES = 65_536;
/** A reader that takes nothing for so long is let go: it holds a place. */
const STALLED_MS = 30_000;

/** `GET /pkg/v1/tuf/{registry}/{file}`: signed lists as this node has last verified them, for members. @source marketplace §5.5 */
export function packageMetaRoute(room: Room): Handler {
  return (request, reply) => {
    const { registry = "", file = "" } = request.params as { registry?: string; file?: string };
    return signedRoute(room, {
      rule: { capability: "sys.pkg.meta", query: "refused", pathParams: { registry, file } },
      maxBytes: () => 0,
      handle: async (passage, { visit }) => {
        checkStanding(passage.caller, "member");
        const bytes = REGISTRY.test(registry) && FILE.test(file) ? room.packages()?.meta(registry, file) : undefined;
        if (bytes === undefined) throw absent();
        const whole: ShelvedFile = { sizeBytes: bytes.byteLength, read: (from, to) => pieces(bytes.subarray(from, to)) };
        await sendFile(room, whole, { reply, visit, peer: callerOf(passage).node_id, range: undefined });
        return reply;
      },
    })(request, reply);
  };
}

/** `GET /pkg/v1/blobs/{sha256|blake3}/{hash}`, whole or from a byte on, for members. @source marketplace §5.5 */
export function packageBlobRoute(room: Room, by: BlobName): Handler {
  return (request, reply) => {
    const { hash = "" } = request.params as { hash?: string };
    return signedRoute(room, {
      rule: { capability: "sys.pkg.blob", query: "refused", pathParams: { [by]: hash } },
      maxBytes: () => 0,
      handle: async (passage, { visit }) => {
        checkStanding(passage.caller, "member");
        const found = HASH.test(hash) ? room.packages()?.blob(by, hash) : undefined;
        if (found === undefined) throw absent();
        const range = readRange(request.headers.range, found.sizeBytes);
        if (range === "none")
          return send(reply, room.answerer.refuse(new HnError("bad_request", { message: beyond(found) }), passage.claim, 416));
        await sendFile(room, found, { reply, visit, peer: callerOf(passage).node_id, range });
        return reply;
      },
    })(request, reply);
  };
}

interface Range {
  from: number;
  to: number;
}

/** What cannot be read as one range is no range (RFC 9110 §14.2); one beyond the end is `none`. */
function readRange(text: string | undefined, size: number): Range | "none" | undefined {
  const [, first, last] = RANGE.exec(text ?? "") ?? [];
  if (first === undefined) return undefined;
  const range = { from: Number(first), to: Math.min(last === undefined ? size : Number(last) + 1, size) };
  return range.from >= size || range.to <= range.from ? "none" : range;
}

/** The bytes are not signed: who asked knows their hash, or the signatures inside. @throws capacity_exceeded uploads_full */
async function sendFile(
  room: Room,
  file: ShelvedFile,
  o: { reply: FastifyReply; visit: Visit; peer: NodeId; range: Range | undefined },
): Promise<void> {
  const { reply, visit, peer } = o;
  const { from, to } = o.range ?? { from: 0, to: file.sizeBytes };
  if (reply.raw.destroyed) return;
  reply.raw.once("close", room.uploads.begin(peer));
  reply.hijack();
  reply.raw.writeHead(o.range === undefined ? 200 : 206, {
    "content-type": "application/octet-stream",
    "cache-control": "no-store",
    ...INERT,
    "accept-ranges": "bytes",
    "content-length": to - from,
    ...(o.range === undefined ? {} : { "content-range": `bytes ${from}-${to - 1}/${file.sizeBytes}` }),
  });
  // Whoever asked knows that it comes, however long the first bytes have to wait.
  reply.raw.flushHeaders();
  try {
    for await (const bytes of file.read(from, to))
      for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
        const piece = bytes.subarray(at, at + PIECE_BYTES);
        await pause(room.clock, room.uploads.reserve(peer, piece.byteLength, room.clock.monotonic()));
        visit.signal.throwIfAborted();
        if (reply.raw.destroyed) return;
        if (!reply.raw.write(piece)) await drained(reply.raw, room.clock);
      }
    reply.raw.end();
  } catch (error) {
    // The answer has begun; an end before its time is the only word that is left.
    if (!visit.signal.aborted) room.log.warn("a file for a neighbour broke off", { error });
    reply.raw.destroy();
  }
}

function pause(clock: Clock, ms: number): Promise<void> | undefined {
  if (ms <= 0) return undefined;
  const { promise, resolve } = Promise.withResolvers<void>();
  clock.setTimeout(resolve, ms);
  return promise;
}

async function drained(response: ServerResponse, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.setTimeout(() => response.destroy(), STALLED_MS);
  response.once("drain", resolve).once("close", resolve);
  await promise;
  timer.cancel();
  response.off("drain", resolve).off("close", resolve);
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function absent(): HnError {
  return new HnError("not_found", { reason: "package_absent" });
}

function beyond({ sizeBytes }: ShelvedFile): string {
  return `The file has ${sizeBytes} bytes; the range that was asked for lies beyond its end.`;
}
