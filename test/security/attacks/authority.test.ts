import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import { buildSync } from "esbuild";
import { allow, hasBubblewrap } from "../../../host/test/runtime/fixtures/world.ts";
import { openNeighbourhood } from "../../../host/test/runtime/commons/neighbours.ts";
import { shelf } from "../../../host/test/runtime/commons/shelf.ts";
import { attack, type Facts } from "../../fixtures/plugins/attacks/A21-authority.ts";
import { askBefore } from "./accepting-host.ts";
import { recordOf, reportAttack } from "./report.ts";

const PAYLOAD = join(import.meta.dirname, "..", "..", "fixtures", "plugins", "attacks", "A21-authority.ts");
const LOW_ORDER = `x25519:${Buffer.alloc(32).toString("base64url")}`;
/** What the plugin may have: everything that stands near to what it wants. */
const GRANTS = [
  allow("bus.call", { capabilities: ["trans.text@1"] }),
  allow("bus.call", { capabilities: ["dev.who@1"], own: true }),
  allow("events.append", { types: ["note.written", "community.member.promoted"] }),
  allow("events.read", { types: ["note.written"] }),
  allow("blobs.read", { visibility: "private", own: true }),
  allow("pubsub.publish", { topics: ["community.member.added"] }),
  allow("identity.sign", { docs: ["plugin-sig", "cosign"] }),
  allow("identity.dh"),
];
const DENIED = "permission_denied";
const CONFINED: Record<string, string> = {
  "call what was not granted": DENIED,
  "call under its own authority without own": DENIED,
  "append a foreign type of event": DENIED,
  "append an event of the host's own": DENIED,
  "read a foreign type of event": DENIED,
  "open a private file for a member": "not_found",
  "look at a private file for a member": "not_found",
  "publish in the host's name": DENIED,
  "have an event signed": DENIED,
  "have a revocation signed": DENIED,
  "agree with a point of small order": "bad_request",
  "forge the caller": "plugin",
};

it(
  "A21: in another's name a plugin can do nothing, and each try is in the ledger",
  { skip: hasBubblewrap() ? false : "needs bubblewrap" },
  async (t) => {
    const { install, ask, world } = await openNeighbourhood(t);
    await install(shelf());
    await install({
      name: "owner",
      does: `return { cid: await ctx.blobs.put(new TextEncoder().encode("a diary"), { visibility: "private" }) };`,
      grants: [allow("blobs.write", { visibility: "private" })],
    });
    const facts: Facts = { secretCid: (await ask("owner"))["cid"] as string, lowOrderPoint: LOW_ORDER };
    world.bus.answers["dev.who"] = async ({ caller }) => ({ kind: caller.kind });
    const { outputFiles } = buildSync({
      entryPoints: [PAYLOAD],
      bundle: true,
      write: false,
      format: "esm",
      platform: "node",
      conditions: ["hearthnet-source"],
    });
    const { id } = await install({
      name: "attack",
      top: `import { attack } from "./attack.mjs";`,
      does: "return attack(ctx, req, req.input);",
      files: { "attack.mjs": outputFiles[0]?.text ?? "" },
      manifest: { roles: ["e2e"] },
      grants: GRANTS,
    });
    assert.deepEqual(await ask("attack", { ...facts }), CONFINED);
    const { rows, chainOk } = world.runtime.ledger(1000);
    assert.ok(chainOk);
    const denied = rows
      .filter(({ plugin, verdict }) => plugin === id && verdict === "deny")
      .map(({ op, target }) => `${op} ${target}`);
    const cid = facts.secretCid.slice(7, 19);
    assert.deepEqual(denied.toSorted(), [
      `blobs.open ${cid}`,
      `blobs.stat ${cid}`,
      "bus.call rag.query@1",
      "bus.call trans.text@1",
      "events.append chat.message.sent",
      "events.append community.member.promoted",
      "events.query chat.message.sent",
      "identity.signDoc cosign",
      "identity.signDoc event",
      "pubsub.publish community.member.added",
    ]);
    assert.equal((await ask("owner"))["cid"], facts.secretCid, "the neighbours go on");

    const control = await askBefore(async (req, ctx) => ({ output: await attack(ctx, req, facts) }), {});
    const accepted = Object.fromEntries(Object.keys(CONFINED).map((name) => [name, "done"]));
    assert.deepEqual(control, { ...accepted, "forge the caller": "self" }, "before a host that asks nothing, all of it works");
    reportAttack({
      row: "A21",
      title: "act in the caller's, the owner's or the community's name",
      confined: "permission_denied, not_found for what the caller may not see, bad_request for the point",
      control: "a host without checks accepts all of it",
      record: recordOf(world.runtime, id),
    });
  },
);
