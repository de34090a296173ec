/** What each kind of caller sees, and whose quota their files count against. @source 30 §3, §4.7 */
import assert from "node:assert/strict";
import test from "node:test";
import type { Principal } from "@hearthnet/sdk-plugin";
import { ownerOf, viewerOf } from "../../src/capabilities/caller.ts";

const NODE = `ed25519:${"A".repeat(43)}`;
const caller = (kind: Principal["kind"]): Principal => ({ kind, node_id: NODE }) as Principal;

test("this node's own see all, members what is shared, federated callers what is public, strangers nothing", () => {
  assert.deepEqual(
    (["self", "plugin", "member", "federated"] as const).map((kind) => [viewerOf(caller(kind)), ownerOf(caller(kind))]),
    [
      ["own", null],
      ["own", null],
      ["member", NODE],
      ["federated", NODE],
    ],
  );
  assert.throws(() => viewerOf(caller("stranger")), { code: "not_found", reason: "blob_unknown" });
});
