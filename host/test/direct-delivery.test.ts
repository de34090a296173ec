import assert from "node:assert/strict";
import { test } from "node:test";
import type { PeerRow } from "../src/contract/index.ts";
import { directDelivery } from "../src/direct-delivery.ts";
import { silentLog } from "../src/foundation/index.ts";
import { found, refusal, Village, type Person } from "./support/people.ts";

const STRANGER = `ed25519:${"B".repeat(43)}`;
const rowOf = ({ signer, endpoint, name }: Person): PeerRow => ({
  node_id: signer.nodeId,
  display_name: name,
  level: "member",
  endpoints: [endpoint],
  online: true,
  last_seen: 0,
  state: "verified",
  rtt_ms: null,
  sources: [],
  capabilities: [],
});

test("a member is reached at the address of the last meeting, or is offline; anybody else is refused (04 §10)", async (t) => {
  const village = new Village(t);
  const [anna, ben, cem] = [village.person("Anna"), village.person("Ben"), village.person("Cem")];
  await found(anna);
  await village.welcome(anna, ben);
  await village.welcome(anna, cem);
  let cut = false;
  const { community } = anna;
  const deliver = directDelivery({
    community,
    peers: { list: () => [rowOf(ben)] },
    link: village.link(anna, { cut: () => cut }),
    log: silentLog,
  });
  const first = await community.append({ type: "note.written", data: { text: "one" } });
  assert.equal(await deliver(first, ben.signer.nodeId), "direct");
  assert.equal(ben.community.read({ types: ["note.written"], limit: 9 }).events.length, 1);
  assert.equal(await deliver(first, cem.signer.nodeId), "offline", "nobody knows where Cem is");
  cut = true;
  const second = await community.append({ type: "note.written", data: { text: "two" } });
  assert.equal(await deliver(second, ben.signer.nodeId), "offline");
  await assert.rejects(deliver(second, STRANGER), refusal("not_found"));
});
