import assert from "node:assert/strict";
import { it } from "node:test";
import { createInvite } from "../src/identity/index.ts";
import { invitedBy } from "../src/invited-by.ts";
import { device, NOW, refused } from "./identity/people.ts";

it('an invitation says where its signer is, and is believed for good (network.md §4 "Manual, invite")', () => {
  const { text } = createInvite(device(1), {
    community_id: device(9).nodeId,
    community_name: "Mill Street",
    invitee_node_id: device(2).nodeId,
    initial_level: "member",
    bootstrap_endpoints: [
      { transport: "https", host: "192.0.2.7", port: 7080 },
      { transport: "carrier-pigeon", host: "192.0.2.8", port: 7080 },
    ],
    expires_at: "2026-07-02T12:00:00Z",
  });
  const hints = invitedBy(text, NOW);
  assert.deepEqual(
    hints.map(({ source, host, port, nodeId, ttlMs }) => [source, host, port, nodeId, ttlMs]),
    [["invite", "192.0.2.7", 7080, device(1).nodeId, Infinity]],
  );
  assert.throws(() => invitedBy(text, NOW + 2 * 86_400_000), refused("expired", "invite_expired"));
});
