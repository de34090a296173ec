import assert from "node:assert/strict";
import { test } from "node:test";
import { HnError } from "../../../src/foundation/index.ts";
import { checkAllowed } from "../../../src/bus/trust/allow.ts";
import type { Principal, TrustRequirement, VerifiedToken } from "../../../src/contract/index.ts";
import { HOME, ME, member, operator, stranger } from "../make.ts";

const plugin: Principal = { kind: "plugin", node_id: ME, community_id: HOME, level: "trusted", plugin_id: "acme/demo" };
const foreign: Principal = { kind: "federated", node_id: "x", community_id: "y", level: "unknown" };
const lonely: Principal = { kind: "self", node_id: ME, community_id: null, level: "unknown" };

const REQUIREMENTS: TrustRequirement[] = ["unknown", "member", "trusted", "anchor", "self", "federated"];
/** One letter per requirement: + passes, u unauthorized, f not_federated. */
const TABLE: [string, Principal, string][] = [
  ["the operator", operator, "+++++u"],
  ["the operator of a node without community", lonely, "+++++u"],
  ["a stranger", stranger, "+uuuuu"],
  ["a member without standing", member("unknown"), "+uuuuu"],
  ["a member", member(), "++uuuu"],
  ["a trusted member", member("trusted"), "+++uuu"],
  ["an anchor", member("anchor"), "++++uu"],
  ["a plugin at its given level, never as operator", plugin, "+++uuu"],
  ["a foreign caller without a federation plugin", foreign, "+fffff"],
];

for (const [name, caller, verdicts] of TABLE) {
  test(`trust of ${name} (03 §8, B-11)`, () => {
    const found = REQUIREMENTS.map((required) => {
      try {
        checkAllowed(caller, required);
        return "+";
      } catch (error) {
        assert.ok(HnError.isHnError(error));
        return error.code === "not_federated" ? "f" : error.code === "unauthorized" ? "u" : error.code;
      }
    });
    assert.equal(found.join(""), verdicts);
  });
}

const token = (level: VerifiedToken["level"]): VerifiedToken => ({
  token_id: "01J9Z3K8V4Q2N7M5C6B1A0XWYT",
  issuer: ME,
  subject: "*",
  acts_for: ME,
  level,
  expires_at: 0,
  bearer: false,
  federation: null,
});

/** What a token adds to somebody who has nothing, and to a trusted member. */
const WIDENED: [VerifiedToken["level"], Principal, string][] = [
  ["member", stranger, "++uuuu"],
  ["trusted", stranger, "+++uuu"],
  ["anchor", stranger, "++++uu"],
  ["federated", stranger, "++uuu+"],
  ["member", member("trusted"), "+++uuu"],
  ["member", foreign, "++ffff"],
];

for (const [level, caller, verdicts] of WIDENED) {
  test(`a token of level ${level} widens what a ${caller.kind} may do, never to self (05 §6, B-11)`, () => {
    const found = REQUIREMENTS.map((required) => {
      try {
        checkAllowed(caller, required, token(level));
        return "+";
      } catch (error) {
        assert.ok(HnError.isHnError(error));
        return error.code === "not_federated" ? "f" : "u";
      }
    });
    assert.equal(found.join(""), verdicts);
  });
}
