/** What one node's plugins share, as each of them reaches it. @source plugin-platform §2.4, §3.3 */
import type {
  DeliverEvent,
  Frame,
  JsonObject,
  PluginCommunity,
  PluginDht,
  PluginSigner,
  Principal,
  ReadProof,
  RoleName,
  Topics,
} from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { GrantTable } from "../permission/index.ts";
import type { Availability } from "./availability.ts";
import type { SharedStore } from "./shared-store.ts";

/** One call to whoever holds a role, under the principal of whoever asked. */
export interface RoleCall {
  method: string;
  input: JsonObject;
  caller: Principal;
  traceId: string;
  /** Monotonic milliseconds. */
  deadline: number;
  signal: AbortSignal;
  /** Follow the call, in order. */
  frames?: AsyncIterable<Frame>;
}

/** The plugin that serves a role. */
export interface RoleHolder {
  readonly pluginId: string;
  ask(role: string, call: RoleCall): Promise<JsonObject>;
  /** Leaving the loop cancels. */
  stream(role: string, call: RoleCall): AsyncGenerator<Frame, JsonObject, void>;
}

export interface Commons {
  community: PluginCommunity | null;
  /** Absent where there are no neighbours. */
  deliver: DeliverEvent | null;
  /** Absent where the node takes no part in it. */
  dht: PluginDht | null;
  topics: Topics;
  availability: Availability;
  signer: PluginSigner | null;
  /** What a proof from a peer session shows; absent where there are no neighbours. */
  readProof: ReadProof | null;
  store: SharedStore;
  /** The one active plugin that holds the role; null when none does. */
  holder: (role: RoleName) => RoleHolder | null;
  /** Rights of another plugin of this node while it runs. */
  grantsOf: (pluginId: string) => GrantTable | undefined;
  /** Shows the owner a document before it is signed; absent while nothing can. */
  show: ((what: { plugin: string; document: JsonObject }) => Promise<boolean>) | null;
}

/** @throws not_found reason no_community */
export function communityOf({ community }: Commons): PluginCommunity {
  if (community === null || community.communityId() === null) throw new HnError("not_found", { reason: "no_community" });
  return community;
}
