/** Where a blob may be had, from what is known to what has to be asked for. @source 30 §5.1 */
import { HnError, type NodeId } from "@hearthnet/sdk-plugin";
import type { Adverts } from "./adverts.ts";
import type { Reach } from "./outward.ts";

/** Neighbours that are asked whether they have it. */
const FAN_OUT = 8;
const ASK_MS = 5000;
/** As many as a summary may name. */
const SOURCES_MAX = 64;

export interface SourcesOptions {
  ctx: Pick<Reach, "call" | "providers" | "identity" | "dht" | "grants" | "log">;
  adverts: Adverts;
  holders: (cid: string) => Iterable<NodeId>;
}

/**
 * First whom the caller named, whom it was heard of directly, and whom the log names; then whoever says so when asked; then who says so in the
 * DHT. There are neither relays nor federation yet: nothing follows here.
 * @param wish.explicit  asked before all others
 */
export async function* sourcesOf(
  wish: { cid: string; explicit: readonly NodeId[]; signal: AbortSignal },
  o: SourcesOptions,
): AsyncGenerator<NodeId[], void, void> {
  const { cid, explicit } = wish;
  const seen = new Set<NodeId>([o.ctx.identity.nodeId]);
  const fresh = (nodes: Iterable<NodeId>): NodeId[] => {
    const some = [...new Set(nodes)].filter((node) => !seen.has(node)).slice(0, SOURCES_MAX - seen.size);
    for (const node of some) seen.add(node);
    return some;
  };
  const known = [fresh(explicit), fresh(o.adverts.sources(cid)), fresh(o.holders(cid))].flat();
  if (known.length > 0) yield o.adverts.ranked(known);
  const offering = await o.ctx.providers("file.list@1");
  const asked = o.adverts.ranked(offering.map(({ node }) => node).filter((node) => !seen.has(node))).slice(0, FAN_OUT);
  const have = await Promise.all(asked.map(async (node) => ((await hasIt(node, wish, o)) ? node : null)));
  const found = fresh(have.filter((node) => node !== null));
  if (found.length > 0) yield found;
  const elsewhere = fresh(await inDht(wish, o));
  if (elsewhere.length > 0) yield o.adverts.ranked(elsewhere);
}

/** Nobody where the node takes no part in it, or it does not answer. */
async function inDht({ cid, signal }: { cid: string; signal: AbortSignal }, { ctx }: SourcesOptions): Promise<NodeId[]> {
  signal.throwIfAborted();
  if (!ctx.grants.has("dht.find")) return [];
  try {
    return await ctx.dht.findSources(cid);
  } catch (error) {
    const why = HnError.isHnError(error) ? (error.reason ?? error.code) : String(error);
    ctx.log.debug("The DHT does not say who has the file.", { cid, why });
    return [];
  }
}

async function hasIt(
  node: NodeId,
  { cid, signal }: { cid: string; signal: AbortSignal },
  { ctx }: SourcesOptions,
): Promise<boolean> {
  try {
    const { output } = await ctx.call("file.list@1", { input: { prefix: cid, limit: 1 } }, { node, signal, timeoutMs: ASK_MS });
    const { cids } = output;
    return Array.isArray(cids) && cids[0] === cid;
  } catch (error) {
    if (signal.aborted) throw error;
    return false;
  }
}
