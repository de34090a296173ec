/** What the rooms of this plugin that reach out are given. */
import type { Ctx, Database, NodeId } from "@hearthnet/sdk-plugin";
import type { Hasher } from "../cid/blake3.ts";
import type { FilesConfig } from "../config.ts";
import type { Store } from "../store/index.ts";
import type { Clock } from "./clock.ts";

/** Of the plugin's context, what they use. */
export type Reach = Pick<Ctx, "call" | "stream" | "providers" | "log" | "signal"> & {
  identity: Pick<Ctx["identity"], "nodeId">;
  events: Pick<Ctx["events"], "append">;
  pubsub: Pick<Ctx["pubsub"], "publish">;
  community: Pick<Ctx["community"], "members">;
  dht: Pick<Ctx["dht"], "findSources" | "advertiseCid" | "withdrawCid">;
  grants: Pick<Ctx["grants"], "has" | "on">;
  availability: Pick<Ctx["availability"], "get" | "on">;
};

export interface Outward {
  ctx: Reach;
  db: Database;
  store: Store;
  hasher: Hasher;
  config: () => FilesConfig;
  /** Who says in the community's log that they hold it. */
  holders: (cid: string) => Iterable<NodeId>;
  /** Default the machine's. */
  clock?: Clock;
}
