/** What a plugin meets in a trial run where it has no right to go: nothing is resolved, opened or sent. @source plugin-platform §3.4.5 */
import type { JsonObject } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Network, Piece } from "./network.ts";
import type { Talk } from "./talk.ts";

/** 204: an answer, and nothing in it. */
const NOTHING = 204;

/**
 * Frames as `fetchFor` has them.
 * @param o.opened  `open` has been sent already, by a hop before this one
 */
export async function pretendFetch(
  network: Network,
  o: { url: string; upload: boolean; opened: boolean },
  talk: Talk,
): Promise<JsonObject> {
  const head = async (): Promise<JsonObject> => {
    await talk.frame("head", { status: NOTHING, headers: [], url: o.url, redirected: o.opened });
    return { bytes: 0 };
  };
  if (!o.upload || o.opened) return head();
  const body = swallowing(talk);
  return network.lend(body.writer, async (handle) => {
    await talk.frame("open", { handle });
    await body.ended;
    return head();
  });
}

/** The other side ends it at once. */
export async function pretendConnect(network: Network, talk: Talk): Promise<JsonObject> {
  return network.lend(swallowing(talk).writer, async (handle) => {
    await talk.frame("open", { handle });
    return {};
  });
}

/** The other side ends it at once, as it should be ended. */
export async function pretendWebSocket(network: Network, talk: Talk): Promise<JsonObject> {
  return network.lend(swallowing(talk).writer, async (handle) => {
    await talk.frame("open", { handle, protocol: "" });
    return { code: 1000, reason: "" };
  });
}

/** Stays open: only what it is used for says where to. */
export async function pretendUdp(network: Network, talk: Talk): Promise<JsonObject> {
  const socket = swallowing(talk, ({ to }) => {
    if (to !== undefined) talk.passing().datagram(to);
  });
  return network.lend(socket.writer, async (handle) => {
    await talk.frame("open", { handle });
    await socket.ended;
    return {};
  });
}

/** Takes what is written until the plugin ends it. */
function swallowing(
  { signal }: Talk,
  check: (piece: Piece) => void = () => {},
): { writer: { write: (piece: Piece) => Promise<void>; end: () => void }; ended: Promise<void> } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Whoever ends at once waits for nothing.
  promise.catch(() => {});
  const left = (): void => reject(signal.reason instanceof Error ? signal.reason : new HnError("timeout"));
  if (signal.aborted) left();
  else signal.addEventListener("abort", left, { once: true });
  return { writer: { write: async (piece) => check(piece), end: resolve }, ended: promise };
}
