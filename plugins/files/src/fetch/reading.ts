/** One `file.read` at a neighbour: every piece of it is checked, and a silent or endless one is ended. */
import { bytesIn, HnError, type Frame, type NodeId } from "@hearthnet/sdk-plugin";
import type { Hasher } from "../cid/blake3.ts";
import { CHUNKS_MAX, type Manifest } from "../cid/manifest.ts";
import { collectManifest, MANIFEST_PIECE, MORE } from "../cid/pieces.ts";
import type { Incoming } from "../store/index.ts";
import type { Clock } from "./clock.ts";
import type { Reach } from "./outward.ts";
import type { Ending, Piece, Plan } from "./plan.ts";

const READ = "file.read@1";
/** A source that sends nothing for so long is given up. */
const SILENCE_MS = 30_000;
const PIECES_MAX = Math.ceil(CHUNKS_MAX / MANIFEST_PIECE);

export interface Source {
  ctx: Pick<Reach, "stream">;
  clock: Clock;
  node: NodeId;
  signal: AbortSignal;
}

interface Ended {
  ending: Ending;
  /** How long the source wants to be left alone. */
  waitMs?: number;
}

/** @throws what the source answers · bad_request reason manifest_invalid, also for the description of something else */
export async function readManifestOf(cid: string, hasher: Hasher, source: Source): Promise<Manifest> {
  const answer = open({ cid, chunks: [] }, source);
  try {
    const first = await answer.next();
    const data = first.done === true || first.value.event !== "manifest" ? {} : first.value.data;
    const manifest = await collectManifest(hasher, data, async () => {
      const next = await answer.next();
      return next.done === true ? undefined : next.value;
    });
    if (manifest.cid === cid) return manifest;
    throw new HnError("bad_request", { reason: "manifest_invalid", message: "It described another file than was asked for." });
  } finally {
    await answer.close();
  }
}

/**
 * Fetches one piece. What this node itself cannot do, such as to write it to a full disk, is thrown; whatever the source does is an ending.
 * @param o.onChunk  it is on the disk; what it returns is waited for before the next one is taken
 */
export async function readPiece(
  piece: Piece,
  o: { plan: Plan; incoming: Incoming; source: Source; onChunk: (bytes: number) => Promise<void> | void },
): Promise<Ended> {
  const { plan, incoming } = o;
  const asked = { cid: incoming.manifest.cid, chunks: [...piece.chunks] };
  // A long file's description is as much as some chunks, and a file is asked for in a hundred pieces.
  let answer = open({ ...asked, describe: false }, o.source);
  let mayAskAnew = true;
  let described = 0;
  try {
    for (;;) {
      const next = await theirs(answer.next());
      if ("error" in next) {
        if (o.source.signal.aborted) throw next.error;
        if (mayAskAnew && isTooNew(next.error)) {
          mayAskAnew = false;
          await answer.close();
          answer = open(asked, o.source);
          continue;
        }
        return endingOf(next.error);
      }
      mayAskAnew = false;
      if (next.value.done === true) return { ending: "whole" };
      const { event, data } = next.value.value;
      if (event === "manifest" || event === MORE) {
        described += 1;
        if (described > PIECES_MAX) return { ending: "lied" };
        continue;
      }
      const { i, data_b64: sent } = data as { i?: unknown; data_b64?: unknown };
      const bytes = bytesIn(sent);
      if (event !== "chunk" || typeof i !== "number" || bytes === undefined || !plan.owes(piece, i)) return { ending: "lied" };
      try {
        await incoming.write(i, bytes);
      } catch (error) {
        if (HnError.isHnError(error) && error.reason === "hash_mismatch") return { ending: "lied" };
        throw error;
      }
      plan.arrived(piece, i);
      await o.onChunk(bytes.byteLength);
    }
  } finally {
    await answer.close();
  }
}

/** Keeps what the source does apart from what goes wrong here. */
async function theirs<T>(step: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await step };
  } catch (error) {
    return { error };
  }
}

/** Somebody whose `file.read` knows no `describe`. */
function isTooNew(error: unknown): boolean {
  return HnError.isHnError(error) && error.code === "schema_mismatch";
}

function endingOf(error: unknown): Ended {
  if (!HnError.isHnError(error)) return { ending: "broken" };
  if (error.code === "not_found") return { ending: "lacks" };
  return { ending: "broken", ...(error.retryAfterMs === undefined ? {} : { waitMs: error.retryAfterMs }) };
}

/** Ends when the caller leaves, when the signal fires, and when nothing comes for long. */
function open(input: { cid: string; chunks: number[]; describe?: boolean }, { ctx, clock, node, signal }: Source): Answer {
  const given = new AbortController();
  const frames = ctx.stream(READ, { input }, { node, signal: AbortSignal.any([signal, given.signal]) });
  return {
    next: async () => {
      const silent = new HnError("timeout", { message: "The source sent nothing for 30 seconds." });
      const forget = clock.after(SILENCE_MS, () => given.abort(silent));
      try {
        return await frames.next();
      } finally {
        forget();
      }
    },
    close: async () => {
      given.abort(new DOMException("Nothing more is wanted.", "AbortError"));
      await frames.return({}).catch(() => {});
    },
  };
}

interface Answer {
  next: () => Promise<IteratorResult<Frame, unknown>>;
  close: () => Promise<void>;
}
