/** Calls to a role that the plugin holds, in the words of its definition. @source plugin-platform §3.3 */
import type { Frame, JsonObject } from "@hearthnet/host/contract";
import type { BlobStore, RoleRequest } from "../commons.ts";
import type { Ctx } from "../context.ts";
import type { PluginDefinition } from "../definition.ts";
import { HnError } from "../error.ts";
import { bytesIn, framesOf, streamOf } from "./blobs.ts";

export type RoleAnswer = Promise<{ output: object }> | AsyncGenerator<Frame, object | void, void>;

/** @param frames  what follows the call */
export function answerRole(
  definition: PluginDefinition,
  o: { role: string; method: string; req: RoleRequest<JsonObject>; frames: AsyncIterable<Frame>; ctx: Ctx },
): RoleAnswer {
  const { role, method, req, frames, ctx } = o;
  const store = role === "blob-store" ? definition.roles?.["blob-store"] : undefined;
  if (store === undefined) throw new HnError("not_implemented", { message: `The plugin does not serve the role ${role}.` });
  switch (method) {
    case "stat":
      return output(store.stat(req as never, ctx));
    case "open":
      return opened(store, req, ctx);
    case "put":
      return output(store.put(req as never, piecesOf(frames), ctx));
    case "fetch":
      return store.fetch(req as never, ctx);
    default:
      throw new HnError("not_implemented", { message: `The role ${role} has no ${method}.` });
  }
}

async function output(answer: Promise<object>): Promise<{ output: object }> {
  return { output: await answer };
}

async function* opened(store: BlobStore<Ctx>, req: RoleRequest<JsonObject>, ctx: Ctx): AsyncGenerator<Frame, object, void> {
  const { stat, data } = await store.open(req as never, ctx);
  yield { event: "head", data: stat as unknown as JsonObject };
  yield* framesOf(streamOf(data));
  return {};
}

async function* piecesOf(frames: AsyncIterable<Frame>): AsyncGenerator<Uint8Array, void, void> {
  for await (const frame of frames) yield bytesIn(frame);
}
