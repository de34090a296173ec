import type { Principal } from "@hearthnet/sdk-plugin";
import { notHere } from "../refusal.ts";
import type { Viewer } from "../store/index.ts";

/** What a caller sees of the store. @throws not_found for those who see nothing @source 30 §3 */
export function viewerOf({ kind }: Principal): Viewer {
  switch (kind) {
    case "self":
    case "plugin":
      return "own";
    case "member":
      return "member";
    case "federated":
      return "federated";
    case "stranger":
      throw notHere();
  }
}

/** Whose quota a blob counts against; null: this node's own. */
export function ownerOf({ kind, node_id }: Principal): string | null {
  return kind === "self" || kind === "plugin" ? null : node_id;
}
